from pydantic_settings import BaseSettings


class Settings(BaseSettings):
    database_url: str = 'sqlite+aiosqlite:///./shop.db'
    max_lines: int = 50


settings = Settings()
