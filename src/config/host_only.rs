//! What only the host stores of a config, for the people who write it.

/// A value on the host; nothing in the Worker.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct HostOnly<T> {
    #[cfg(not(target_os = "unknown"))]
    value: T,
    #[cfg(target_os = "unknown")]
    value: std::marker::PhantomData<T>,
}

impl<T> HostOnly<T> {
    /// Keeps what `value` returns; in the Worker it is not called.
    #[inline(always)]
    pub fn of(value: impl FnOnce() -> T) -> Self {
        #[cfg(not(target_os = "unknown"))]
        let value = value();
        #[cfg(target_os = "unknown")]
        let value = {
            drop(value);
            std::marker::PhantomData
        };
        Self { value }
    }
}

impl<T: Default> HostOnly<T> {
    /// Returns the value; in the Worker its default.
    pub fn into_inner(self) -> T {
        #[cfg(not(target_os = "unknown"))]
        let value = self.value;
        #[cfg(target_os = "unknown")]
        let value = T::default();
        value
    }
}

#[cfg(not(target_os = "unknown"))]
impl<T> std::ops::Deref for HostOnly<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.value
    }
}
