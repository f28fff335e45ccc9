CREATE TABLE IF NOT EXISTS sensors (
    id      bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    name    text NOT NULL UNIQUE CHECK (length(name) <= 60),
    unit    text NOT NULL
);

CREATE TABLE IF NOT EXISTS readings (
    sensor_id bigint NOT NULL REFERENCES sensors ON DELETE CASCADE,
    taken_at  timestamptz NOT NULL DEFAULT now(),
    value     double precision NOT NULL
);

CREATE INDEX IF NOT EXISTS readings_by_sensor ON readings (sensor_id, taken_at DESC);
