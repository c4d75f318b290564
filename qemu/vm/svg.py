# SPDX-License-Identifier: GPL-2.0-or-later
"""A conversation as a picture."""

from html import escape

from vm.conversation import Conversation, Step
from vm.ladder import EVENTS, columns_of, label

ROW = 34
HEAD = 64
LEFT = 118          # for the times
EDGE = 150          # from a line of life to where the picture ends
NARROW = 220        # between two lines of life, at least
LETTER = 6.9        # wide, at most, on average

STYLE = """
text { font: 12px system-ui, sans-serif; fill: #24292f; }
.back { fill: #ffffff; }
.time { font: 11px ui-monospace, monospace; fill: #6e7781; text-anchor: end; }
.title { font-weight: 600; font-size: 14px; text-anchor: middle; }
.box { fill: #f6f8fa; stroke: #d0d7de; }
.life { stroke: #d0d7de; stroke-width: 2; }
.arrow { stroke-width: 1.6; fill: none; }
.band { fill: #d0d7de; opacity: .45; }
.middle { text-anchor: middle; }
.halo { paint-order: stroke; stroke: #ffffff; stroke-width: 4px; stroke-linejoin: round; }
@media (prefers-color-scheme: dark) {
text { fill: #e6edf3; } .back { fill: #0d1117; } .time { fill: #8b949e; }
.box { fill: #161b22; stroke: #30363d; } .life { stroke: #30363d; }
.band { fill: #30363d; } .halo { stroke: #0d1117; }
}
"""

COLOURS = {"management": "#bf6a02", "agent": "#0969da", "orb": "#0969da",
           "data": "#1a7f37", "status": "#8250df", "bad-status": "#cf222e",
           "rom": "#6e7781", "csr": "#6e7781", "other": "#6e7781",
           "phy": "#6e7781", "cable": "#cf222e", "reset": "#6e7781"}
TROUBLE = "#cf222e"


def colour(step: Step) -> str:
    return TROUBLE if step.trouble else COLOURS[step.kind]


def width_of(text: str) -> float:
    return len(text) * LETTER


class Canvas:
    """Where everything is"""

    def __init__(self, conversation: Conversation, steps: list[Step]) -> None:
        self.conversation = conversation
        self.steps = steps
        self.column = columns_of(conversation)
        self.gap = max([NARROW] + [width_of(label(step)) / self.span(step) + 40
                                   for step in steps])
        self.height = HEAD + ROW * (len(steps) + 1)
        self.width = LEFT + 2 * EDGE + self.gap * max(0, len(self.column) - 1)

    def span(self, step: Step) -> int:
        """How many gaps a label may be as wide as"""
        if step.sender in self.column and step.receiver in self.column:
            return max(1, abs(self.column[step.sender] - self.column[step.receiver]))
        return max(1, len(self.column) - 1)

    def x(self, node: int) -> float:
        return LEFT + EDGE + self.gap * self.column[node]

    def head(self) -> list[str]:
        parts = []
        for node in self.column:
            x, title = self.x(node), self.conversation.title(node)
            box = max(96, width_of(title) * 1.2 + 24)
            parts.append('<line class="life" x1="%.1f" x2="%.1f" y1="%d" y2="%d"/>'
                         % (x, x, HEAD - 20, self.height - ROW / 2))
            parts.append('<rect class="box" x="%.1f" y="14" width="%.1f" height="30" rx="6"/>'
                         % (x - box / 2, box))
            parts.append('<text class="title" x="%.1f" y="34">%s</text>' % (x, escape(title)))
        return parts

    def arrow(self, step: Step, y: float) -> list[str]:
        assert step.sender is not None and step.receiver is not None
        start, end = self.x(step.sender), self.x(step.receiver)
        towards = 1 if end > start else -1
        dashes = ' stroke-dasharray="5 4"' if step.trouble else ""
        return ['<line class="arrow" stroke="%s" x1="%.1f" x2="%.1f" y1="%.1f" y2="%.1f"%s/>'
                % (colour(step), start, end - 7 * towards, y, y, dashes),
                '<path fill="%s" d="M%.1f %.1f l%d -4.5 v9 z"/>'
                % (colour(step), end - 1.5 * towards, y, -9 * towards),
                self.text((start + end) / 2, y - 6, step)]

    def text(self, x: float, y: float, step: Step) -> str:
        halo = "" if step.kind in EVENTS else " halo"
        return ('<text class="middle%s" x="%.1f" y="%.1f" style="fill: %s">%s</text>'
                % (halo, x, y, colour(step), escape(label(step))))

    def event(self, step: Step, y: float) -> list[str]:
        left, right = LEFT + EDGE / 2, self.width - EDGE / 2
        return ['<rect class="band" x="%.1f" y="%.1f" width="%.1f" height="%d" rx="4"/>'
                % (left, y - 17, right - left, 24),
                self.text((left + right) / 2, y, step)]

    def mark(self, step: Step, y: float) -> list[str]:
        assert step.sender is not None
        x = self.x(step.sender)
        return ['<circle fill="%s" cx="%.1f" cy="%.1f" r="4"/>' % (colour(step), x, y),
                '<text class="halo" x="%.1f" y="%.1f" style="fill: %s">%s</text>'
                % (x + 10, y + 4, colour(step), escape(label(step)))]

    def row(self, step: Step, y: float) -> list[str]:
        if step.kind in EVENTS:
            return self.event(step, y)
        if (step.sender in self.column and step.receiver in self.column and
                step.sender != step.receiver):
            return self.arrow(step, y)
        return self.mark(step, y) if step.sender in self.column else []

    def rows(self) -> list[str]:
        parts = []
        before = self.steps[0].time_ns if self.steps else 0
        for number, step in enumerate(self.steps):
            y = HEAD + ROW * (number + 0.6)
            parts.append('<text class="time" x="%d" y="%.1f">%+.1f µs</text>'
                         % (LEFT, y + 4, max(0, step.time_ns - before) / 1000))
            before = step.end_ns
            parts += self.row(step, y)
        return parts


def picture(conversation: Conversation, steps: list[Step]) -> str:
    canvas = Canvas(conversation, steps)
    size = 'width="%.0f" height="%.0f"' % (canvas.width, canvas.height)
    parts = ['<svg xmlns="http://www.w3.org/2000/svg" %s viewBox="0 0 %.0f %.0f">'
             % (size, canvas.width, canvas.height),
             "<style>%s</style>" % STYLE, '<rect class="back" %s/>' % size]
    return "\n".join([*parts, *canvas.head(), *canvas.rows(), "</svg>", ""])
