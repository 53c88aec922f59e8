//! One watched stream in two hands: hyper's, which reads and writes, and that of whoever drives the connection.

use super::H2Watch;
use std::cell::RefCell;
use std::io::{self, IoSlice};
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// A handle of a watched stream. Never borrowed while hyper is polled, save by hyper.
#[derive(Debug)]
pub(crate) struct SharedWatch<I>(Rc<RefCell<H2Watch<I>>>);

impl<I> Clone for SharedWatch<I> {
    fn clone(&self) -> Self {
        SharedWatch(Rc::clone(&self.0))
    }
}

impl<I: AsyncRead + AsyncWrite + Unpin> SharedWatch<I> {
    pub(crate) fn new(watch: H2Watch<I>) -> Self {
        SharedWatch(Rc::new(RefCell::new(watch)))
    }

    /// Sends what hyper has written in the turn that is over; ready when it is with the operating system.
    ///
    /// Errors: the stream's, which is of no use any more.
    pub(crate) fn poll_send(&self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.0.borrow_mut().poll_send(context)
    }

    fn with<T>(&self, act: impl FnOnce(Pin<&mut H2Watch<I>>) -> T) -> T {
        act(Pin::new(&mut *self.0.borrow_mut()))
    }
}

impl<I: AsyncRead + AsyncWrite + Unpin> AsyncRead for SharedWatch<I> {
    fn poll_read(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        self.with(|watch| watch.poll_read(context, buffer))
    }
}

impl<I: AsyncRead + AsyncWrite + Unpin> AsyncWrite for SharedWatch<I> {
    fn poll_write(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.with(|watch| watch.poll_write(context, bytes))
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.with(|watch| watch.poll_write_vectored(context, slices))
    }

    fn is_write_vectored(&self) -> bool {
        self.0.borrow().is_write_vectored()
    }

    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.with(|watch| watch.poll_flush(context))
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.with(|watch| watch.poll_shutdown(context))
    }
}
