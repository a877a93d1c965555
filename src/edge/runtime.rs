//! What the Workers runtime gives: JavaScript, clocks, stores, WebCrypto, the console. Knows nothing of gateways.

pub mod bindings;
pub mod boxed;
pub mod crossings;
pub mod events;
pub mod http_client;
pub mod invocation;
pub mod kv;
pub mod log;
pub mod object_client;
pub mod panic;
pub mod sealing;
pub mod single_flight;
pub mod stored_object;
pub mod timing;
pub mod webcrypto;
pub mod work;
