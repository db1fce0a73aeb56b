drop table truths;
