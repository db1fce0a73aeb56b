-- People see and models read the fields in the order in which their author wrote them; jsonb forgets it.
alter table schemas alter column json_schema type json using json_schema::json;
