use std::time::Duration;

use sluice_core::{Classify, ErrorKind};
use sluice_queue::Counters;
use sluice_test_support::eventually;

use crate::{LONG, config, config_at};

#[tokio::test]
async fn counts_rise_within_a_window_and_begin_again_after_it() {
    let counters = Counters::new(&config()).unwrap();
    let window = Duration::from_millis(300);
    for expected in 1..=3 {
        let state = counters.count("login:1.2.3.4", window).await.unwrap();
        assert_eq!(state.count, expected);
        assert!(state.ends_in <= window);
    }
    assert_eq!(counters.count("login:5.6.7.8", window).await.unwrap().count, 1);
    eventually(LONG, || async {
        match counters.count("login:1.2.3.4", window).await.unwrap().count {
            1 => Ok(()),
            count => Err(count),
        }
    })
    .await
    .unwrap();
}

#[tokio::test]
async fn a_redis_that_is_down_is_unavailable() {
    let counters = Counters::new(&config_at("redis://127.0.0.1:9/")).unwrap();
    assert_eq!(counters.count("x", LONG).await.unwrap_err().kind(), ErrorKind::Unavailable);
}
