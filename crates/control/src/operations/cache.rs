//! What the cache of the edge in this process holds and does.

use crate::operation_error::OperationError;
use crate::operations::Operations;
use crate::operator::{Operator, Read};
use privet_distribution::config::CacheSettings;
use privet_edge::{CacheStatistics, EdgeHandle};
use serde_json::{Value, json};

impl Operations {
    /// Returns the contents and the activity of the cache since the edge was started.
    ///
    /// # Errors
    /// [`OperationError::NoEdge`].
    pub fn cache(&self, _operator: &Operator<Read>) -> Result<Value, OperationError> {
        self.edge().map(report)
    }
}

/// Returns the figures of an edge's cache as operators read them.
pub(crate) fn report(edge: &EdgeHandle) -> Value {
    figures(&edge.cache_statistics(), edge.cache_settings())
}

fn figures(statistics: &CacheStatistics, settings: &CacheSettings) -> Value {
    let disk = settings.disk.as_ref();
    json!({
        "objects": statistics.objects,
        "blocks": statistics.blocks,
        "memory_bytes": statistics.memory_bytes,
        "memory_bytes_max": settings.memory_size_bytes_max,
        "disk_entries": statistics.disk_entries,
        "disk_bytes": statistics.disk_bytes,
        "disk_bytes_max": disk.map(|disk| disk.size_bytes_max),
        "index_bytes": statistics.index_bytes,
        "hits_memory": statistics.hits_memory,
        "hits_disk": statistics.hits_disk,
        "misses": statistics.misses,
        "evictions_memory": statistics.evictions_memory,
        "evictions_disk": statistics.evictions_disk,
        "writes": statistics.writes,
        "writes_skipped": statistics.writes_skipped,
        "read_failures": statistics.read_failures,
    })
}
