// SPDX-License-Identifier: GPL-2.0-only
/* What the tracepoints are made of. */
#include "session.h"

#define CREATE_TRACE_POINTS
#include "trace.h"
