"""HTTP/1.1 by httptools, with an end to how long a request's head may be: uvicorn's own has none."""

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

HEAD = 65_536
"""Bytes, besides those of the chunks in which it begins and ends."""


class BoundedProtocol(HttpToolsProtocol):
    """Closes a connection whose request never gets to its body."""

    _in_head = False
    _seen = 0

    def on_message_begin(self) -> None:
        """A head begins."""
        self._in_head, self._seen = True, 0
        super().on_message_begin()

    def on_headers_complete(self) -> None:
        """It has ended."""
        self._in_head = False
        super().on_headers_complete()

    def data_received(self, data: bytes) -> None:
        """Counts what comes while a head is open."""
        began = self._in_head
        super().data_received(data)
        if began and self._in_head:
            self._seen += len(data)
            if self._seen > HEAD:
                self._in_head = False
                self.send_400_response("The head of the request is too long.")
