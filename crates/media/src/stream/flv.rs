//! The bodies of FLV tags: what stands before the samples, and `onMetaData`.
