//! A Unix socket on which keys are verified: whoever may open it may ask, without a token.

use std::io::ErrorKind;
use std::os::unix::fs::{FileTypeExt, PermissionsExt};
use std::path::{Path, PathBuf};

use tokio::net::UnixListener;
use tokio::sync::watch;

use crate::error::Error;
use crate::http::state::State;
use crate::http::verify;

/// Who may open it: this user, and its group, to which a gateway's user can be added.
const MODE: u32 = 0o660;

/// A socket that is open, and where its file is.
#[derive(Debug)]
pub(super) struct Socket {
    listener: UnixListener,
    path: PathBuf,
}

/// Opens a socket. One that a program before has left behind is replaced; any other file stays.
///
/// # Errors
/// When it cannot be opened.
pub(super) fn listen(path: &Path) -> Result<Socket, Error> {
    let name = path.display();
    let cannot = |error: std::io::Error| {
        Error::new(format!("cannot listen on `{name}`"))
            .source(error)
            .hint("--verify-socket PATH names another place")
    };
    match std::fs::symlink_metadata(path) {
        Ok(found) if !found.file_type().is_socket() => {
            return Err(Error::new(format!("`{name}` is there already, and no socket"))
                .hint("--verify-socket PATH names another place"));
        }
        Ok(_) if std::os::unix::net::UnixStream::connect(path).is_ok() => {
            return Err(Error::new(format!("another program listens on `{name}`")));
        }
        Ok(_) => std::fs::remove_file(path).map_err(cannot)?,
        Err(error) if error.kind() == ErrorKind::NotFound => {}
        Err(error) => return Err(cannot(error)),
    }
    let listener = UnixListener::bind(path).map_err(cannot)?;
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(MODE)).map_err(cannot)?;
    Ok(Socket { listener, path: path.to_owned() })
}

/// Answers on it until it is told to stop.
pub(super) async fn serve(
    socket: Option<Socket>,
    state: State,
    mut stopping: watch::Receiver<bool>,
) {
    let Some(socket) = socket else { return };
    let app = verify::local_router(state);
    let told = async move {
        _ = stopping.wait_for(|is_told| *is_told).await;
    };
    let served = axum::serve(socket.listener, app).with_graceful_shutdown(told).await;
    // Somebody may have taken it away; that it is gone is what is wanted.
    _ = std::fs::remove_file(&socket.path);
    if let Err(error) = served {
        tracing::error!(%error, "the socket for verifications has failed");
    }
}
