//! How is the port served? One task per connection, none of which may wait for ever.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::http::StatusCode;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulShutdown;
use hyper_util::service::TowerToHyperService;
use tokio::net::TcpListener;
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;
use tower_http::catch_panic::CatchPanicLayer;
use tower_http::timeout::TimeoutLayer;

/// How many connections are open at once; others wait to be taken.
const CONNECTIONS_MAX: usize = 4096;

/// How long somebody may take for the head of a request, and be silent between two.
const HEAD_MAX: Duration = Duration::from_secs(30);

/// How long a request may take, with its body: whoever drips one byte after the other holds a place no longer.
const REQUEST_MAX: Duration = Duration::from_mins(1);

/// How long to wait where no connection can be taken, since too many files are open.
const PAUSE: Duration = Duration::from_millis(100);

/// How long requests under way are waited for at the end.
const END: Duration = Duration::from_secs(3);

/// Answers until it is told to stop; requests under way are answered then.
pub async fn serve(listener: TcpListener, router: Router, stop: CancellationToken) {
    let places = Arc::new(Semaphore::new(CONNECTIONS_MAX));
    let graceful = GracefulShutdown::new();
    let slow = TimeoutLayer::with_status_code(StatusCode::REQUEST_TIMEOUT, REQUEST_MAX);
    let router = router.layer(slow).layer(CatchPanicLayer::new());
    let mut builder = http1::Builder::new();
    builder.timer(TokioTimer::new()).header_read_timeout(HEAD_MAX);
    loop {
        let place = Arc::clone(&places).acquire_owned();
        let accepted = async {
            let place = place.await.expect("nobody closes the places");
            (listener.accept().await, place)
        };
        let (accepted, place) = tokio::select! {
            accepted = accepted => accepted,
            () = stop.cancelled() => break,
        };
        let stream = match accepted {
            Ok((stream, _)) => stream,
            Err(error) => {
                tracing::warn!("a connection could not be taken: {error}");
                tokio::time::sleep(PAUSE).await;
                continue;
            }
        };
        // Answers are small: waiting for more to send with them costs 40 ms.
        let _ = stream.set_nodelay(true);
        let service = TowerToHyperService::new(router.clone());
        let connection = builder.serve_connection(TokioIo::new(stream), service);
        let connection = graceful.watch(connection);
        tokio::spawn(async move {
            // Whoever broke off is no matter of ours.
            let _ = connection.await;
            drop(place);
        });
    }
    drop(listener);
    if tokio::time::timeout(END, graceful.shutdown()).await.is_err() {
        tracing::info!("requests under way were not waited for any longer");
    }
}
