//! The sockets that viewers connect to, as configured.

use crate::start_error::{StartError, listen_error};
use crate::workers::{ListenOn, Task, Workers};
use privet_distribution::config::{Listener, ListenerProtocol};
use socket2::{Domain, Protocol, Socket, Type};
use std::collections::HashMap;
use std::io;
use std::net::{SocketAddr, TcpListener};
use tokio::sync::watch;

/// Number of connections that the operating system holds until a worker accepts them.
const BACKLOG: i32 = 1_024;

/// Identity of a listener: the address, and also the protocol if the system chooses the port, since several may have
/// port 0.
type ListenerKey = (SocketAddr, Option<&'static str>);

fn listener_key(configured: &Listener) -> ListenerKey {
    let protocol = match configured.protocol {
        ListenerProtocol::Http => "http",
        ListenerProtocol::Https => "https",
        ListenerProtocol::Rtmp => "rtmp",
        ListenerProtocol::Rtmps => "rtmps",
    };
    let port_is_chosen = configured.address.port() == 0;
    (configured.address, port_is_chosen.then_some(protocol))
}

/// The bound listeners, as configured.
#[derive(Debug, Default)]
pub(crate) struct Listeners {
    open: HashMap<ListenerKey, OpenListener>,
}

#[derive(Debug)]
struct OpenListener {
    configured: Listener,
    bound: SocketAddr,
    socket: TcpListener,
    stop: watch::Sender<bool>,
}

impl Listeners {
    /// Binds the listeners that are not bound yet and returns them. On an error nothing new stays bound.
    pub(crate) fn open(&mut self, wanted: &[Listener]) -> Result<Vec<Listener>, StartError> {
        let mut opened: Vec<OpenListener> = Vec::new();
        for configured in wanted {
            match self.open.get(&listener_key(configured)) {
                Some(open) if open.configured == *configured => continue,
                // The same address under another protocol: the socket is kept, its workers are told.
                Some(open) => {
                    let socket = open.socket.try_clone();
                    opened.push(open_listener(configured, socket)?);
                }
                None => opened.push(open_listener(configured, bind(configured.address))?),
            }
        }
        let configured = opened.iter().map(|open| open.configured.clone()).collect();
        for open in opened {
            let key = listener_key(&open.configured);
            if let Some(old) = self.open.insert(key, open) {
                let _ = old.stop.send(true);
            }
        }
        Ok(configured)
    }

    pub(crate) fn close_all_but(&mut self, wanted: &[Listener]) {
        self.open.retain(|_, open| {
            let keep = wanted.contains(&open.configured);
            if !keep {
                let _ = open.stop.send(true);
            }
            keep
        });
    }

    /// Returns protocol and bound address of each listener.
    pub(crate) fn addresses(&self) -> Vec<(ListenerProtocol, SocketAddr)> {
        let open = self.open.values();
        open.map(|open| (open.configured.protocol.clone(), open.bound))
            .collect()
    }

    /// Returns, for every newly opened listener, a task for each worker. Errors: out of file descriptors.
    pub(crate) fn tasks(
        &self,
        opened: Vec<Listener>,
        workers: &Workers,
    ) -> Result<Vec<Vec<Task>>, StartError> {
        let mut tasks = Vec::new();
        for configured in opened {
            let Some(open) = self.open.get(&listener_key(&configured)) else {
                continue;
            };
            let task = || {
                let listener = open.socket.try_clone();
                let listener =
                    listener.map_err(|error| listen_error(configured.address, &error))?;
                Ok(Task::Listen(ListenOn {
                    listener,
                    configured: configured.clone(),
                    stop: open.stop.subscribe(),
                }))
            };
            let each = (0..workers.size()).map(|_| task());
            tasks.push(each.collect::<Result<Vec<_>, _>>()?);
        }
        Ok(tasks)
    }
}

fn open_listener(
    configured: &Listener,
    socket: io::Result<TcpListener>,
) -> Result<OpenListener, StartError> {
    let fault = |error: io::Error| listen_error(configured.address, &error);
    let socket = socket.map_err(fault)?;
    Ok(OpenListener {
        configured: configured.clone(),
        bound: socket.local_addr().map_err(fault)?,
        socket,
        stop: watch::Sender::new(false),
    })
}

fn bind(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = Socket::new(
        Domain::for_address(address),
        Type::STREAM,
        Some(Protocol::TCP),
    )?;
    // A restart must not wait for old connections to fade; two servers on one address stay impossible.
    socket.set_reuse_address(true)?;
    if address.is_ipv6() {
        socket.set_only_v6(true)?;
    }
    socket.set_nonblocking(true)?;
    socket.bind(&address.into())?;
    socket.listen(BACKLOG)?;
    Ok(socket.into())
}
