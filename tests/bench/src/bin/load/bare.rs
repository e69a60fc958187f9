//! Servers that the bridge is compared with, each a process of its own.

use std::path::PathBuf;
use std::process::{ExitCode, Stdio};
use std::sync::Arc;

use anyhow::Context as _;
use bytes::Bytes;
use clap::ValueEnum;
use handover_bench::{fixtures, stubs};
use handover_handlers::routes;
use handover_ringcx::signature::{SIGNATURE_HEADER, sign, verify};
use http::{Request, Response, StatusCode};
use http_body_util::{BodyExt as _, Collected, Full};
use hyper::body::Incoming;
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, BufReader};
use tokio::process::Child;

use crate::bridge::on_core;
use crate::listener;

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Kind {
    /// Checks the signature of whatever it gets and signs a fixed answer: what nobody can do without.
    Floor,
    /// The bridge's handlers, with storage that does nothing.
    Handlers,
}

/// Is that server until its standard input ends, which it does when its parent is gone.
pub(crate) async fn serve(kind: Kind) -> anyhow::Result<ExitCode> {
    let address = match kind {
        Kind::Floor => listener::start(|request| async { Ok(floor(request).await) }).await?,
        Kind::Handlers => {
            let app = Arc::new(stubs::stubbed());
            listener::start(move |request: Request<Incoming>| {
                let app = Arc::clone(&app);
                async move {
                    let (parts, body) = request.into_parts();
                    let request = Request::from_parts(parts, whole(body).await);
                    Ok(routes::handle(&app, request).await.map(Full::new))
                }
            })
            .await?
        }
    };
    println!("{address}");
    let _ = tokio::io::stdin().read(&mut [0]).await;
    Ok(ExitCode::SUCCESS)
}

async fn floor(request: Request<Incoming>) -> Response<Full<Bytes>> {
    let (parts, body) = request.into_parts();
    let token = fixtures::source_token();
    let given = parts
        .headers
        .get(SIGNATURE_HEADER)
        .map(http::HeaderValue::as_bytes);
    let believed = verify(std::slice::from_ref(&token), given, None, whole(body).await).is_ok();
    let answer = Bytes::from_static(br#"{"id":"rcx-65d0a1000000000000c70003"}"#);
    let signature = sign(&token, &answer);
    let status = if believed {
        StatusCode::OK
    } else {
        StatusCode::UNAUTHORIZED
    };
    Response::builder()
        .status(status)
        .header("content-type", "application/json")
        .header(SIGNATURE_HEADER, signature)
        .body(Full::new(answer))
        .unwrap_or_default()
}

async fn whole(body: Incoming) -> Bytes {
    body.collect().await.map(Collected::to_bytes).unwrap_or_default()
}

/// Starts one of these servers on a core; it ends when the handle is dropped.
pub(crate) async fn start(kind: Kind, core: usize) -> anyhow::Result<(Child, std::net::SocketAddr)> {
    let own: PathBuf = std::env::current_exe()?;
    let name = kind.to_possible_value().context("every kind has a name")?;
    let mut child = on_core(Some(core), &own)
        .args(["--bare", name.get_name()])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .kill_on_drop(true)
        .spawn()?;
    let stdout = child.stdout.take().context("its output is piped")?;
    let mut line = String::new();
    BufReader::new(stdout).read_line(&mut line).await?;
    let address = line
        .trim()
        .parse()
        .context("the server did not say where it listens")?;
    Ok((child, address))
}
