#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| bargate_fuzz::check("api_key", bytes));
