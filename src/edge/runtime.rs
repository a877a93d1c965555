//! What the Workers runtime gives: JavaScript, clocks, stores, WebCrypto, the console. Knows nothing of gateways.

pub mod bindings;
pub mod flight;
pub mod host;
pub mod invocation;
pub mod kv;
pub mod log;
pub mod panic;
pub mod sealing;
pub mod timing;
pub mod webcrypto;
