//! A client for the monitoring system Grafolean.
