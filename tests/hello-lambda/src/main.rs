//! What a Rust function costs before it does anything: the yardstick of `tests/bench/aws`.

use lambda_http::{Body, Error, Request, Response, service_fn};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    let hello = service_fn(|_: Request| async { Ok::<_, Error>(Response::new(Body::from("hello"))) });
    lambda_http::run(hello).await
}
