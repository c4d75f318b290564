/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Tracepoints: every step of a session, every management operation, the life
 * of every command and every step of error handling. To watch:
 * echo 1 > /sys/kernel/tracing/events/sbp2x/enable
 */
#undef TRACE_SYSTEM
#define TRACE_SYSTEM sbp2x

#if !defined(SBP2X_TRACE_H) || defined(TRACE_HEADER_MULTI_READ)
#define SBP2X_TRACE_H

#include <linux/device.h>
#include <linux/string.h>
#include <linux/tracepoint.h>

#include "wire.h"

/*
 * Every room may call these, so they know none: values of enums come as int,
 * and trace.c, where they are named, includes the rooms' headers.
 */
#define SBP2X_TRACE_STATES(name) \
	name(IDLE) name(LOGGING_IN) name(LOGGED_IN) name(SUSPENDED) \
	name(RECONNECTING) name(WITHDRAWING) name(LOGGING_OUT) name(FAILED) \
	name(LOGGED_OUT) name(GONE)
#define SBP2X_TRACE_EVENTS(name) \
	name(GONE) name(STALE) name(RESET) name(STOP) name(LEAVE) name(START) \
	name(AGENT_LOST) name(ACCEPTED) name(REFUSED) name(UNANSWERED) \
	name(INTERRUPTED) name(RETRY) name(HOLD_OVER) name(EXHAUSTED)
#define SBP2X_TRACE_FUNCTIONS(name) \
	name(LOGIN) name(QUERY_LOGINS) name(RECONNECT) name(SET_PASSWORD) \
	name(LOGOUT) name(ABORT_TASK) name(ABORT_TASK_SET) \
	name(LOGICAL_UNIT_RESET) name(TARGET_RESET)
#define SBP2X_TRACE_OUTCOMES(name) \
	name(ACCEPTED) name(REFUSED) name(TIMEOUT) name(WRITE_FAILED) \
	name(STALE) name(CANCELLED) name(UNSUPPORTED)

#define SBP2X_TRACE_TASK_OUTCOMES(name) \
	name(STATUS) name(LOST) name(GONE)

/* So that user space can read them too */
#define SBP2X_DEFINE_TASK_OUTCOME(n)	TRACE_DEFINE_ENUM(SBP2X_TASK_##n);
#define SBP2X_DEFINE_STATE(n)		TRACE_DEFINE_ENUM(SBP2X_SESSION_##n);
#define SBP2X_DEFINE_EVENT(n)		TRACE_DEFINE_ENUM(SBP2X_EVENT_##n);
#define SBP2X_DEFINE_FUNCTION(n)	TRACE_DEFINE_ENUM(SBP2X_FUNCTION_##n);
#define SBP2X_DEFINE_OUTCOME(n)		TRACE_DEFINE_ENUM(SBP2X_OP_##n);

SBP2X_TRACE_STATES(SBP2X_DEFINE_STATE)
SBP2X_TRACE_EVENTS(SBP2X_DEFINE_EVENT)
SBP2X_TRACE_FUNCTIONS(SBP2X_DEFINE_FUNCTION)
SBP2X_TRACE_OUTCOMES(SBP2X_DEFINE_OUTCOME)
SBP2X_TRACE_TASK_OUTCOMES(SBP2X_DEFINE_TASK_OUTCOME)

#define SBP2X_SYMBOL_STATE(n)		{ SBP2X_SESSION_##n, #n },
#define SBP2X_SYMBOL_EVENT(n)		{ SBP2X_EVENT_##n, #n },
#define SBP2X_SYMBOL_FUNCTION(n)	{ SBP2X_FUNCTION_##n, #n },
#define SBP2X_SYMBOL_OUTCOME(n)		{ SBP2X_OP_##n, #n },

#define SBP2X_SYMBOL_TASK_OUTCOME(n)	{ SBP2X_TASK_##n, #n },

#define show_task_outcome(value) \
	__print_symbolic(value, \
			 SBP2X_TRACE_TASK_OUTCOMES(SBP2X_SYMBOL_TASK_OUTCOME) \
			 { -1, NULL })
#define show_state(value) \
	__print_symbolic(value, SBP2X_TRACE_STATES(SBP2X_SYMBOL_STATE) \
			 { -1, NULL })
#define show_event(value) \
	__print_symbolic(value, SBP2X_TRACE_EVENTS(SBP2X_SYMBOL_EVENT) \
			 { -1, NULL })
#define show_function(value) \
	__print_symbolic(value, SBP2X_TRACE_FUNCTIONS(SBP2X_SYMBOL_FUNCTION) \
			 { -1, NULL })
#define show_outcome(value) \
	__print_symbolic(value, SBP2X_TRACE_OUTCOMES(SBP2X_SYMBOL_OUTCOME) \
			 { -1, NULL })

/* A step: what happened, and where the session is now */
TRACE_EVENT(sbp2x_session,
	TP_PROTO(const struct device *device, u16 lun, int from, int event,
		 int to, unsigned int retries, u32 actions),
	TP_ARGS(device, lun, from, event, to, retries, actions),
	TP_STRUCT__entry(
		__array(char, unit, 16)
		__field(u16, lun)
		__field(int, from)
		__field(int, event)
		__field(int, to)
		__field(unsigned int, retries)
		__field(u32, actions)
	),
	TP_fast_assign(
		strscpy(__entry->unit, dev_name(device),
			sizeof(__entry->unit));
		__entry->lun = lun;
		__entry->from = from;
		__entry->event = event;
		__entry->to = to;
		__entry->retries = retries;
		__entry->actions = actions;
	),
	TP_printk("%s:%04x %s: %s -> %s, retries %u, actions %#x",
		  __entry->unit, __entry->lun, show_event(__entry->event),
		  show_state(__entry->from), show_state(__entry->to),
		  __entry->retries, __entry->actions)
);

/* A management ORB goes to the target */
TRACE_EVENT(sbp2x_management_start,
	TP_PROTO(const struct device *device, int function, u16 object,
		 u16 node_id, int generation, u64 orb),
	TP_ARGS(device, function, object, node_id, generation, orb),
	TP_STRUCT__entry(
		__array(char, unit, 16)
		__field(int, function)
		__field(u16, object)
		__field(u16, node_id)
		__field(int, generation)
		__field(u64, orb)
	),
	TP_fast_assign(
		strscpy(__entry->unit, dev_name(device),
			sizeof(__entry->unit));
		__entry->function = function;
		__entry->object = object;
		__entry->node_id = node_id;
		__entry->generation = generation;
		__entry->orb = orb;
	),
	TP_printk("%s %s %04x to node %04x, generation %d, ORB %012llx",
		  __entry->unit, show_function(__entry->function),
		  __entry->object, __entry->node_id, __entry->generation,
		  __entry->orb)
);

/* It is over */
TRACE_EVENT(sbp2x_management_end,
	TP_PROTO(const struct device *device, int function, u16 object,
		 int outcome, u8 resp, u8 sbp_status, int rcode),
	TP_ARGS(device, function, object, outcome, resp, sbp_status, rcode),
	TP_STRUCT__entry(
		__array(char, unit, 16)
		__field(int, function)
		__field(u16, object)
		__field(int, outcome)
		__field(u8, resp)
		__field(u8, sbp_status)
		__field(int, rcode)
	),
	TP_fast_assign(
		strscpy(__entry->unit, dev_name(device),
			sizeof(__entry->unit));
		__entry->function = function;
		__entry->object = object;
		__entry->outcome = outcome;
		__entry->resp = resp;
		__entry->sbp_status = sbp_status;
		__entry->rcode = rcode;
	),
	TP_printk("%s %s %04x %s, resp %u, sbp_status %#04x, rcode %#x",
		  __entry->unit, show_function(__entry->function),
		  __entry->object, show_outcome(__entry->outcome),
		  __entry->resp, __entry->sbp_status, __entry->rcode)
);

/* An ORB is given to the target: by ORB_POINTER, or linked to another one */
TRACE_EVENT(sbp2x_submit,
	TP_PROTO(const struct device *device, u64 orb, u8 opcode, size_t length,
		 u64 linked_to, unsigned int at_target),
	TP_ARGS(device, orb, opcode, length, linked_to, at_target),
	TP_STRUCT__entry(
		__array(char, unit, 16)
		__field(u64, orb)
		__field(u64, linked_to)
		__field(size_t, length)
		__field(unsigned int, at_target)
		__field(u8, opcode)
	),
	TP_fast_assign(
		strscpy(__entry->unit, dev_name(device),
			sizeof(__entry->unit));
		__entry->orb = orb;
		__entry->linked_to = linked_to;
		__entry->length = length;
		__entry->at_target = at_target;
		__entry->opcode = opcode;
	),
	TP_printk("%s ORB %012llx, command %#04x, %zu bytes, linked to %012llx, %u at the target",
		  __entry->unit, __entry->orb, __entry->opcode,
		  __entry->length, __entry->linked_to, __entry->at_target)
);

/* A status block came, and was believed or not */
TRACE_EVENT(sbp2x_status,
	TP_PROTO(const struct device *device,
		 const struct sbp2x_status_block *status, u16 source,
		 int generation, bool believed),
	TP_ARGS(device, status, source, generation, believed),
	TP_STRUCT__entry(
		__array(char, unit, 16)
		__field(u64, orb)
		__field(int, generation)
		__field(u16, source)
		__field(u8, src)
		__field(u8, resp)
		__field(u8, sbp_status)
		__field(bool, dead)
		__field(bool, believed)
	),
	TP_fast_assign(
		strscpy(__entry->unit, dev_name(device),
			sizeof(__entry->unit));
		__entry->orb = sbp2x_status_orb_offset(status);
		__entry->generation = generation;
		__entry->source = source;
		__entry->src = sbp2x_status_src(status);
		__entry->resp = sbp2x_status_resp(status);
		__entry->sbp_status = sbp2x_status_sbp_status(status);
		__entry->dead = sbp2x_status_dead(status);
		__entry->believed = believed;
	),
	TP_printk("%s ORB %012llx, src %u, resp %u, sbp_status %#04x%s, from node %04x in generation %d%s",
		  __entry->unit, __entry->orb, __entry->src, __entry->resp,
		  __entry->sbp_status, __entry->dead ? ", dead" : "",
		  __entry->source, __entry->generation,
		  __entry->believed ? "" : ", not believed")
);

/* A task is over */
TRACE_EVENT(sbp2x_complete,
	TP_PROTO(const struct device *device, u64 orb, u8 opcode, int outcome),
	TP_ARGS(device, orb, opcode, outcome),
	TP_STRUCT__entry(
		__array(char, unit, 16)
		__field(u64, orb)
		__field(int, outcome)
		__field(u8, opcode)
	),
	TP_fast_assign(
		strscpy(__entry->unit, dev_name(device),
			sizeof(__entry->unit));
		__entry->orb = orb;
		__entry->outcome = outcome;
		__entry->opcode = opcode;
	),
	TP_printk("%s ORB %012llx, command %#04x: %s", __entry->unit,
		  __entry->orb, __entry->opcode,
		  show_task_outcome(__entry->outcome))
);

/* The target forgot a task; it will be given it again */
TRACE_EVENT(sbp2x_resubmit,
	TP_PROTO(const struct device *device, u64 orb, u8 opcode),
	TP_ARGS(device, orb, opcode),
	TP_STRUCT__entry(
		__array(char, unit, 16)
		__field(u64, orb)
		__field(u8, opcode)
	),
	TP_fast_assign(
		strscpy(__entry->unit, dev_name(device),
			sizeof(__entry->unit));
		__entry->orb = orb;
		__entry->opcode = opcode;
	),
	TP_printk("%s ORB %012llx, command %#04x", __entry->unit,
		  __entry->orb, __entry->opcode)
);

/* A step of error handling is over */
TRACE_EVENT(sbp2x_recovery,
	TP_PROTO(const struct device *device, u16 lun, const char *step,
		 int result),
	TP_ARGS(device, lun, step, result),
	TP_STRUCT__entry(
		__array(char, unit, 16)
		__array(char, step, 24)
		__field(int, result)
		__field(u16, lun)
	),
	TP_fast_assign(
		strscpy(__entry->unit, dev_name(device),
			sizeof(__entry->unit));
		strscpy(__entry->step, step, sizeof(__entry->step));
		__entry->result = result;
		__entry->lun = lun;
	),
	TP_printk("%s:%04x %s: %s", __entry->unit, __entry->lun, __entry->step,
		  __entry->result ? "failed" : "done")
);

#endif

#undef TRACE_INCLUDE_PATH
#define TRACE_INCLUDE_PATH .
#undef TRACE_INCLUDE_FILE
#define TRACE_INCLUDE_FILE trace
#include <trace/define_trace.h>
