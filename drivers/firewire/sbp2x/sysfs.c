// SPDX-License-Identifier: GPL-2.0-only
/*
 * What people and tools see of a logical unit.
 *
 * Files are read while the session goes on: each shows a value that was true
 * a moment ago, and two of them need not be of the same moment.
 */
#include "sysfs.h"

#include <linux/device.h>
#include <linux/kobject.h>
#include <linux/kstrtox.h>
#include <linux/sysfs.h>

#include "recovery.h"
#include "target.h"

static struct sbp2x_session *to_session(struct device *device)
{
	struct sbp2x_class_device *view = dev_get_drvdata(device);

	return &view->lu->session;
}

/* State */

static ssize_t state_show(struct device *device, struct device_attribute *attr,
			  char *buf)
{
	enum sbp2x_session_state state =
		sbp2x_session_state(to_session(device));

	return sysfs_emit(buf, "%s\n", sbp2x_session_state_name(state));
}
static DEVICE_ATTR_RO(state);

static ssize_t login_id_show(struct device *device,
			     struct device_attribute *attr, char *buf)
{
	struct sbp2x_session *session = to_session(device);

	if (READ_ONCE(session->generation) < 0)
		return sysfs_emit(buf, "none\n");

	return sysfs_emit(buf, "%u\n", READ_ONCE(session->login_id));
}
static DEVICE_ATTR_RO(login_id);

static struct sbp2x_path path_of(struct device *device)
{
	struct sbp2x_path path;

	sbp2x_bus_path(to_session(device)->bus, &path);
	return path;
}

static ssize_t generation_show(struct device *device,
			       struct device_attribute *attr, char *buf)
{
	return sysfs_emit(buf, "%d\n", path_of(device).generation);
}
static DEVICE_ATTR_RO(generation);

static ssize_t node_id_show(struct device *device,
			    struct device_attribute *attr, char *buf)
{
	return sysfs_emit(buf, "0x%04x\n", path_of(device).node_id);
}
static DEVICE_ATTR_RO(node_id);

static ssize_t speed_show(struct device *device, struct device_attribute *attr,
			  char *buf)
{
	return sysfs_emit(buf, "S%u\n", 100U << path_of(device).speed);
}
static DEVICE_ATTR_RO(speed);

static ssize_t max_payload_show(struct device *device,
				struct device_attribute *attr, char *buf)
{
	return sysfs_emit(buf, "%u\n", 4U << path_of(device).max_payload);
}
static DEVICE_ATTR_RO(max_payload);

static ssize_t reconnect_hold_show(struct device *device,
				   struct device_attribute *attr, char *buf)
{
	return sysfs_emit(buf, "%u\n", READ_ONCE(to_session(device)->hold_s));
}
static DEVICE_ATTR_RO(reconnect_hold);

static ssize_t task_list_show(struct device *device,
			      struct device_attribute *attr, char *buf)
{
	enum sbp2x_agent_mode mode =
		sbp2x_agent_mode(&to_session(device)->agent);

	return sysfs_emit(buf, "%s\n", sbp2x_agent_mode_name(mode));
}
static DEVICE_ATTR_RO(task_list);

static ssize_t memory_show(struct device *device, struct device_attribute *attr,
			   char *buf)
{
	enum sbp2x_memory_mode mode = to_session(device)->memory->mode;

	return sysfs_emit(buf, "%s\n", sbp2x_memory_mode_name(mode));
}
static DEVICE_ATTR_RO(memory);

static ssize_t retries_show(struct device *device,
			    struct device_attribute *attr, char *buf)
{
	return sysfs_emit(buf, "%u\n",
			  READ_ONCE(to_session(device)->view.retries));
}
static DEVICE_ATTR_RO(retries);

static ssize_t last_error_show(struct device *device,
			       struct device_attribute *attr, char *buf)
{
	struct sbp2x_session_error error = to_session(device)->last_error;
	const char *function = sbp2x_management_function_name(error.function);

	switch (error.outcome) {
	case SBP2X_OP_ACCEPTED:
		return sysfs_emit(buf, "none\n");
	case SBP2X_OP_REFUSED:
		return sysfs_emit(buf, "%s: refused, resp %u, sbp_status %#04x\n",
				  function, error.resp, error.sbp_status);
	case SBP2X_OP_WRITE_FAILED:
		return sysfs_emit(buf, "%s: not delivered, rcode %#x\n",
				  function, error.rcode);
	default:
		return sysfs_emit(buf, "%s: no answer\n", function);
	}
}
static DEVICE_ATTR_RO(last_error);

/* What can be done */

/* Files that take a 1 and do something */
static int parse_one(const char *buf)
{
	bool yes;
	int ret = kstrtobool(buf, &yes);

	return ret ?: yes ? 0 : -EINVAL;
}

static ssize_t login_store(struct device *device, struct device_attribute *attr,
			   const char *buf, size_t count)
{
	int ret = parse_one(buf);

	if (ret)
		return ret;

	sbp2x_session_post(to_session(device), SBP2X_EVENT_START);
	return count;
}
static DEVICE_ATTR_WO(login);

static ssize_t logout_store(struct device *device,
			    struct device_attribute *attr, const char *buf,
			    size_t count)
{
	struct sbp2x_session *session = to_session(device);
	int ret = parse_one(buf);

	if (ret)
		return ret;
	/* What is under way has to end first */
	if (!sbp2x_session_can_leave(sbp2x_session_state(session)))
		return -EAGAIN;

	sbp2x_session_post(session, SBP2X_EVENT_LEAVE);
	return count;
}
static DEVICE_ATTR_WO(logout);

static ssize_t reset_store(struct device *device, struct device_attribute *attr,
			   const char *buf, size_t count)
{
	struct sbp2x_class_device *view = dev_get_drvdata(device);
	int ret = parse_one(buf);

	return ret ?: sbp2x_recover_logical_unit(view->lu) ?: count;
}
static DEVICE_ATTR_WO(reset);

/* A line, without its end */
static size_t line_length(const char *buf, size_t count)
{
	return count && buf[count - 1] == '\n' ? count - 1 : count;
}

static ssize_t password_store(struct device *device,
			      struct device_attribute *attr, const char *buf,
			      size_t count)
{
	struct sbp2x_class_device *view = dev_get_drvdata(device);

	return sbp2x_logical_unit_use_password(view->lu, buf,
					       line_length(buf, count)) ?:
	       count;
}
static DEVICE_ATTR_WO(password);

static ssize_t set_password_store(struct device *device,
				  struct device_attribute *attr,
				  const char *buf, size_t count)
{
	struct sbp2x_class_device *view = dev_get_drvdata(device);

	return sbp2x_logical_unit_set_password(view->lu, buf,
					       line_length(buf, count)) ?:
	       count;
}
static DEVICE_ATTR_WO(set_password);

static ssize_t read_only_show(struct device *device,
			      struct device_attribute *attr, char *buf)
{
	struct sbp2x_class_device *view = dev_get_drvdata(device);

	return sysfs_emit(buf, "%d\n", READ_ONCE(view->lu->read_only));
}

static ssize_t read_only_store(struct device *device,
			       struct device_attribute *attr, const char *buf,
			       size_t count)
{
	struct sbp2x_class_device *view = dev_get_drvdata(device);
	struct sbp2x_logical_unit *lu = view->lu;
	bool read_only;
	int ret = kstrtobool(buf, &read_only);

	if (ret)
		return ret;

	WRITE_ONCE(lu->read_only, read_only);
	lu->target->ops->changed(lu);
	return count;
}
static DEVICE_ATTR_RW(read_only);

static struct attribute *sbp2x_attrs[] = {
	&dev_attr_state.attr,
	&dev_attr_login_id.attr,
	&dev_attr_generation.attr,
	&dev_attr_node_id.attr,
	&dev_attr_speed.attr,
	&dev_attr_max_payload.attr,
	&dev_attr_reconnect_hold.attr,
	&dev_attr_task_list.attr,
	&dev_attr_memory.attr,
	&dev_attr_read_only.attr,
	&dev_attr_retries.attr,
	&dev_attr_last_error.attr,
	&dev_attr_login.attr,
	&dev_attr_logout.attr,
	&dev_attr_reset.attr,
	&dev_attr_password.attr,
	&dev_attr_set_password.attr,
	NULL
};

static const struct attribute_group sbp2x_group = {
	.attrs = sbp2x_attrs,
};

/* Counters: each is one u64 somewhere in the logical unit */

struct counter {
	struct device_attribute attr;
	size_t offset;
};

static ssize_t counter_show(struct device *device,
			    struct device_attribute *attr, char *buf)
{
	struct counter *counter = container_of(attr, struct counter, attr);
	struct sbp2x_class_device *view = dev_get_drvdata(device);
	const u64 *value = (const void *)view->lu + counter->offset;

	return sysfs_emit(buf, "%llu\n", READ_ONCE(*value));
}

#define COUNTER(_name, _member) \
	static struct counter counter_##_name = { \
		.attr = __ATTR(_name, 0444, counter_show, NULL), \
		.offset = offsetof(struct sbp2x_logical_unit, _member), \
	}

COUNTER(logins, session.count.logins);
COUNTER(reconnects, session.count.reconnects);
COUNTER(lost, session.count.lost);
COUNTER(refused, session.count.refused);
COUNTER(unanswered, session.count.unanswered);
COUNTER(submitted, session.agent.count.submitted);
COUNTER(completed, session.agent.count.completed);
COUNTER(resubmitted, session.agent.count.resubmitted);
COUNTER(orb_pointers, session.agent.count.pointers);
COUNTER(links, session.agent.count.links);
COUNTER(doorbells, session.agent.count.doorbells);
COUNTER(aborted, session.agent.count.aborted);
COUNTER(agent_resets, session.agent.count.resets);
COUNTER(write_errors, session.agent.count.write_errors);
COUNTER(status_foreign, session.agent.count.status_foreign);
COUNTER(status_unknown, session.agent.count.status_unknown);
COUNTER(status_malformed, status_malformed);
COUNTER(write_blocked, write_blocked);
COUNTER(unsolicited, session.agent.count.unsolicited);

/* One for all logical units of the target */
static ssize_t memory_refused_show(struct device *device,
				   struct device_attribute *attr, char *buf)
{
	return sysfs_emit(buf, "%lld\n",
			  atomic64_read(&to_session(device)->memory->refused));
}
static DEVICE_ATTR_RO(memory_refused);

static struct attribute *statistics_attrs[] = {
	&counter_logins.attr.attr,
	&counter_reconnects.attr.attr,
	&counter_lost.attr.attr,
	&counter_refused.attr.attr,
	&counter_unanswered.attr.attr,
	&counter_submitted.attr.attr,
	&counter_completed.attr.attr,
	&counter_resubmitted.attr.attr,
	&counter_orb_pointers.attr.attr,
	&counter_links.attr.attr,
	&counter_doorbells.attr.attr,
	&counter_aborted.attr.attr,
	&counter_agent_resets.attr.attr,
	&counter_write_errors.attr.attr,
	&counter_status_foreign.attr.attr,
	&counter_status_unknown.attr.attr,
	&counter_status_malformed.attr.attr,
	&counter_write_blocked.attr.attr,
	&counter_unsolicited.attr.attr,
	&dev_attr_memory_refused.attr,
	NULL
};

static const struct attribute_group statistics_group = {
	.name = "statistics",
	.attrs = statistics_attrs,
};

static const struct attribute_group *sbp2x_groups[] = {
	&sbp2x_group,
	&statistics_group,
	NULL
};

static struct class sbp2x_class = {
	.name = "sbp2x",
	.dev_groups = sbp2x_groups,
};

/* Edges */

static void edge_work(struct work_struct *work)
{
	static const char * const names[] = {
		[SBP2X_EDGE_UP] = "SBP2X_EVENT=up",
		[SBP2X_EDGE_LOST] = "SBP2X_EVENT=lost",
		[SBP2X_EDGE_DOWN] = "SBP2X_EVENT=down",
	};
	struct sbp2x_class_device *view =
		container_of(work, struct sbp2x_class_device, work);
	u8 edge;

	while (kfifo_get(&view->edges, &edge)) {
		char *env[2] = { (char *)names[edge], NULL };

		kobject_uevent_env(&view->device->kobj, KOBJ_CHANGE, env);
	}
}

/*
 * Not on the target's workqueue: a uevent allocates memory, and whoever frees
 * some may wait for this very disk to be logged in again. Where edges come
 * faster than they can be told of, the state file has the truth.
 */
void sbp2x_sysfs_edge(struct sbp2x_class_device *view, enum sbp2x_edge edge)
{
	kfifo_put(&view->edges, edge);
	queue_work(system_unbound_wq, &view->work);
}

/* Life */

int sbp2x_sysfs_add(struct sbp2x_class_device *view,
		    struct sbp2x_logical_unit *lu)
{
	struct device *unit = lu->target->bus.log;
	struct device *device;

	view->lu = lu;
	INIT_KFIFO(view->edges);
	INIT_WORK(&view->work, edge_work);
	device = device_create(&sbp2x_class, unit, MKDEV(0, 0), view,
			       "%s:%04x", dev_name(unit), lu->lun);
	if (IS_ERR(device))
		return PTR_ERR(device);

	view->device = device;
	return 0;
}

void sbp2x_sysfs_remove(struct sbp2x_class_device *view)
{
	if (!view->device)
		return;

	flush_work(&view->work);
	device_unregister(view->device);
	view->device = NULL;
}

int sbp2x_sysfs_init(void)
{
	return class_register(&sbp2x_class);
}

void sbp2x_sysfs_exit(void)
{
	class_unregister(&sbp2x_class);
}
