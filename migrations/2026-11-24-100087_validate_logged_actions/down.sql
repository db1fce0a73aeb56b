-- A checked constraint does no harm to versions before.
select 1;
