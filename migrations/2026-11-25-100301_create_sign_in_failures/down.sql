drop table sign_in_networks;
drop table sign_in_failures;
