//! A network that fails first: connections that break or stay silent before one works.

use std::net::SocketAddr;
use std::time::Duration;

use tokio::net::{TcpListener, TcpStream};

/// How long a silent connection stays open.
const SILENCE: Duration = Duration::from_millis(1500);

/// An address that leads to a server, but the first connection is reset and the second gets no answer.
pub async fn hard_of_hearing(server: SocketAddr) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        for number in 1.. {
            let Ok((mut socket, _)) = listener.accept().await else {
                return;
            };
            tokio::spawn(async move {
                match number {
                    1 => socket.set_zero_linger().unwrap(),
                    2 => tokio::time::sleep(SILENCE).await,
                    _ => {
                        let mut server = TcpStream::connect(server).await.unwrap();
                        // Either side may end it.
                        let _ = tokio::io::copy_bidirectional(&mut socket, &mut server).await;
                    }
                }
            });
        }
    });
    address
}
