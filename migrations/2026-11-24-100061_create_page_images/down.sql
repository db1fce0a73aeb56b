drop table page_images;
