from pydantic_settings import BaseSettings, SettingsConfigDict


class Settings(BaseSettings):
    model_config = SettingsConfigDict(env_file=".env", extra="ignore")

    APP_NAME: str = "Tasks"
    DATABASE_URL: str = "sqlite:///tasks.db"
    API_PREFIX: str = "/api"


settings = Settings()
