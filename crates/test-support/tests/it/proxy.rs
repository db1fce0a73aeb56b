use std::time::Duration;

use sluice_test_support::proxy::Mode;
use sluice_test_support::{ChaosProxy, eventually};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

const LONG: Duration = Duration::from_secs(30);

/// A server that answers every byte with itself.
async fn echo() -> std::net::SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    #[expect(clippy::disallowed_methods, reason = "ends with the runtime of its test")]
    tokio::spawn(async move {
        loop {
            let (mut socket, _) = listener.accept().await.unwrap();
            tokio::spawn(async move {
                let (mut read, mut write) = socket.split();
                tokio::io::copy(&mut read, &mut write).await
            });
        }
    });
    address
}

async fn ask(proxy: &ChaosProxy) -> std::io::Result<u8> {
    let mut socket = TcpStream::connect(proxy.address()).await?;
    socket.write_all(&[7]).await?;
    socket.read_u8().await
}

#[tokio::test]
async fn it_passes_cuts_and_heals() {
    let proxy = ChaosProxy::start(echo().await).await.unwrap();
    assert_eq!(ask(&proxy).await.unwrap(), 7);

    let mut open = TcpStream::connect(proxy.address()).await.unwrap();
    open.write_all(&[7]).await.unwrap();
    assert_eq!(open.read_u8().await.unwrap(), 7);
    proxy.set(Mode::Cut);
    assert!(open.read_u8().await.is_err(), "an open connection is cut");
    assert!(ask(&proxy).await.is_err(), "no new one is taken");

    proxy.set(Mode::Pass);
    assert_eq!(eventually(LONG, || ask(&proxy)).await.unwrap(), 7);
}

#[tokio::test]
async fn held_bytes_arrive_when_it_passes_again() {
    let proxy = ChaosProxy::start(echo().await).await.unwrap();
    proxy.set(Mode::Hold);
    let mut socket = TcpStream::connect(proxy.address()).await.unwrap();
    socket.write_all(&[7]).await.unwrap();
    assert!(tokio::time::timeout(Duration::from_millis(100), socket.read_u8()).await.is_err());
    proxy.set(Mode::Delay(Duration::from_millis(1)));
    assert_eq!(socket.read_u8().await.unwrap(), 7);
}
