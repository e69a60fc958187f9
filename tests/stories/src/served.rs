//! A neighbour of the bridge on a port of its own, gone with its owner.

use axum::Router;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

pub struct Served {
    url: String,
    task: JoinHandle<()>,
}

impl Drop for Served {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Served {
    pub async fn start(router: Router) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let url = format!("http://{}", listener.local_addr().expect("an address"));
        let task = tokio::spawn(async move {
            let _ = axum::serve(listener, router).await;
        });
        Self { url, task }
    }

    pub fn url(&self) -> &str {
        &self.url
    }
}
