//! The `keytender` program: everything happens in the library.

use std::process::ExitCode;

fn main() -> ExitCode {
    keytender::cli::run(std::env::args_os())
}
