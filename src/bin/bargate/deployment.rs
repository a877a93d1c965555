//! What a deployment declares: the bindings of `wrangler.toml` and the variables of `.dev.vars`.
