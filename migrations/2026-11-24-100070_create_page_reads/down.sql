drop table page_reads;
