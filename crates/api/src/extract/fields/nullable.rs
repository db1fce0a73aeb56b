//! Objects that null takes away.

use serde_json::Value;

use super::Fields;

impl Fields {
    /// An object whose fields are read by a reader of their own, null, or nothing: `Some(None)` stands for null.
    pub(crate) fn nullable_child<T>(
        &mut self,
        name: &'static str,
        read: impl FnOnce(&mut Self) -> T,
    ) -> Option<Option<T>> {
        if self.object.get(name).is_some_and(Value::is_null) {
            self.object.remove(name);
            return Some(None);
        }
        self.optional_child(name, read).map(Some)
    }
}
