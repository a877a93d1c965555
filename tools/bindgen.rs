//! Makes the JavaScript through which a Worker calls its WebAssembly: `wasm-bindgen` with the only options that this build has.
//!
//! Its own command line brings a server for tests, an HTTP client and a parser of arguments, which take longer to compile than the rest.

use std::env::args_os;
use std::error::Error;

use wasm_bindgen_cli_support::Bindgen;

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<_> = args_os().skip(1).collect();
    match arguments.as_slice() {
        [version] if version == "--version" => println!("{} {}", env!("CARGO_PKG_NAME"), env!("CARGO_PKG_VERSION")),
        [module, directory] => Bindgen::new()
            .module(true)?
            .input_path(module)
            .out_name("index")
            .typescript(false)
            // A panic ends the instance, and the next call makes a fresh one.
            .reset_state_function(true)
            .force_enable_abort_handler(true)
            .generate(directory)?,
        _ => return Err("usage: bargate-bindgen MODULE DIRECTORY".into()),
    }
    Ok(())
}
