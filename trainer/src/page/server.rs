//! A server for the visitors of this machine.

use std::convert::Infallible;
use std::future::Future;
use std::io::ErrorKind;
use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result};
use http_body_util::Full;
use hyper::body::{Bytes, Incoming};
use hyper::header::{ACCEPT_ENCODING, HOST, HeaderName, IF_NONE_MATCH};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use tokio::runtime::Runtime;

use super::answer::{Answer, Page, Query};

/// Where it listens, if that is free.
const USUAL_PORT: u16 = 8017;

/// Between two looks at whether to stop.
const PATIENCE: Duration = Duration::from_millis(100);

/// A port of this machine, not answered yet.
#[derive(Debug)]
pub struct Server {
    listener: TcpListener,
    address: SocketAddr,
}

impl Server {
    /// Takes a port of this machine: the one that is named, 0 for any; by default always the same, so
    /// that addresses stay, or any where that one is taken.
    ///
    /// # Errors
    /// The port that is named cannot be used.
    pub fn bind(port: Option<u16>) -> Result<Self> {
        let at = |port: u16| TcpListener::bind(("127.0.0.1", port));
        let listener = match port {
            Some(port) => at(port)
                .with_context(|| format!("port {port} cannot be used; name another with --port")),
            None => match at(USUAL_PORT) {
                Err(error) if error.kind() == ErrorKind::AddrInUse => at(0),
                listener => listener,
            }
            .context("no port can be used"),
        }?;
        let address = listener.local_addr().context("the server has no address")?;
        Ok(Self { listener, address })
    }

    /// `http://127.0.0.1:8017/`
    pub fn url(&self) -> String {
        format!("http://{}/", self.address)
    }

    /// Answers until `ended` says so.
    ///
    /// # Errors
    /// The system gives no threads or sockets.
    pub fn run(self, page: Page, ended: impl Fn() -> bool) -> Result<()> {
        let runtime = Runtime::new().context("starting a server")?;
        let page = Arc::new(page);
        runtime.block_on(async {
            self.listener.set_nonblocking(true)?;
            let listener = tokio::net::TcpListener::from_std(self.listener)?;
            while !ended() {
                let Ok(accepted) = tokio::time::timeout(PATIENCE, listener.accept()).await else {
                    continue;
                };
                // One that went away before it was accepted is no trouble of ours.
                let Ok((stream, _)) = accepted else { continue };
                let page = Arc::clone(&page);
                tokio::spawn(async move {
                    let respond = service_fn(move |request| respond(Arc::clone(&page), request));
                    // Nor is a browser that hangs up in the middle.
                    let _ =
                        http1::Builder::new().serve_connection(TokioIo::new(stream), respond).await;
                });
            }
            Ok(())
        })
    }
}

fn respond(
    page: Arc<Page>,
    request: Request<Incoming>,
) -> impl Future<Output = Result<Response<Full<Bytes>>, Infallible>> {
    let header = |name: HeaderName| {
        let value = request.headers().get(name)?.to_str().ok()?;
        Some(value.to_owned())
    };
    let query = Query {
        method: request.method().to_string(),
        path: request.uri().path().to_owned(),
        host: header(HOST),
        known_tag: header(IF_NONE_MATCH),
        codings: header(ACCEPT_ENCODING).unwrap_or_default(),
    };
    async move {
        // Files are read on a thread of their own: none waits for another's.
        let answer = tokio::task::spawn_blocking(move || page.answer(&query)).await;
        Ok(response(answer.unwrap_or_else(|error| Answer::failed(&error.to_string()))))
    }
}

fn response(answer: Answer) -> Response<Full<Bytes>> {
    let mut builder = Response::builder().status(answer.status);
    for (name, value) in answer.headers {
        builder = builder.header(name, value);
    }
    let body = Full::new(Bytes::from(answer.body));
    builder.body(body).unwrap_or_else(|_| Response::new(Full::default()))
}
