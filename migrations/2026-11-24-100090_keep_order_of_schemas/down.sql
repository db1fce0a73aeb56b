alter table schemas alter column json_schema type jsonb using json_schema::jsonb;
