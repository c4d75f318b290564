/* SPDX-License-Identifier: GPL-2.0-only */
/* The only place that knows kernel versions. */
#ifndef SBP2X_COMPAT_H
#define SBP2X_COMPAT_H

#include <linux/blkdev.h>
#include <linux/hrtimer.h>
#include <linux/lockdep.h>
#include <linux/version.h>
#include <linux/workqueue.h>
#include <scsi/scsi_device.h>
#include <scsi/scsi_host.h>

/* Host templates became const in 6.4 */
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 4, 0)
#define SBP2X_TEMPLATE_CONST	const
#else
#define SBP2X_TEMPLATE_CONST
#endif

/* What eh_timed_out() returns */
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 2, 0)
#define sbp2x_timeout_action	scsi_timeout_action
#define SBP2X_TIMEOUT_RESET	SCSI_EH_RESET_TIMER
#define SBP2X_TIMEOUT_ABORT	SCSI_EH_NOT_HANDLED
#else
#define sbp2x_timeout_action	blk_eh_timer_return
#define SBP2X_TIMEOUT_RESET	BLK_EH_RESET_TIMER
#define SBP2X_TIMEOUT_ABORT	BLK_EH_DONE
#endif

/*
 * The configure method was given queue limits in 6.10, and new names came in
 * 6.14. SBP2X_CONFIGURE is the member's name and SBP2X_CONFIGURE_ARGS what it
 * is called with.
 */
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 14, 0)
#define SBP2X_ALLOC		sdev_init
#define SBP2X_CONFIGURE		sdev_configure
#elif LINUX_VERSION_CODE >= KERNEL_VERSION(6, 10, 0)
#define SBP2X_ALLOC		slave_alloc
#define SBP2X_CONFIGURE		device_configure
#else
#define SBP2X_ALLOC		slave_alloc
#define SBP2X_CONFIGURE		slave_configure
#endif

#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 10, 0)
#define SBP2X_CONFIGURE_ARGS	struct scsi_device *sdev, \
				struct queue_limits *lim
#define sbp2x_limit_sectors(sdev, sectors) \
	((lim)->max_hw_sectors = min((lim)->max_hw_sectors, sectors))
#define sbp2x_limit_alignment(sdev, mask) \
	((lim)->dma_alignment = max_t(unsigned int, (lim)->dma_alignment, mask))
#else
#define SBP2X_CONFIGURE_ARGS	struct scsi_device *sdev
#define sbp2x_limit_sectors(sdev, sectors) \
	blk_queue_max_hw_sectors((sdev)->request_queue, sectors)
#define sbp2x_limit_alignment(sdev, mask) \
	blk_queue_update_dma_alignment((sdev)->request_queue, mask)
#endif

/* Setting up an hrtimer became one step in 6.13 */
static inline void
sbp2x_hrtimer_setup(struct hrtimer *timer,
		    enum hrtimer_restart (*fn)(struct hrtimer *timer))
{
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 13, 0)
	hrtimer_setup(timer, fn, CLOCK_MONOTONIC, HRTIMER_MODE_ABS);
#else
	hrtimer_init(timer, CLOCK_MONOTONIC, HRTIMER_MODE_ABS);
	timer->function = fn;
#endif
}

/*
 * A lockdep map of our own, held by what runs on a workqueue, tells whether we
 * are there. Workqueues take one since 6.12, and only where lockdep is on.
 */
#if defined(CONFIG_LOCKDEP) && LINUX_VERSION_CODE >= KERNEL_VERSION(6, 12, 0)
#define sbp2x_alloc_ordered_workqueue(fmt, flags, map, args...) \
	alloc_ordered_workqueue_lockdep_map(fmt, flags, map, ##args)

static inline bool sbp2x_lockdep_is_held(const struct lockdep_map *map)
{
	return lock_is_held(map) == LOCK_STATE_HELD;
}
#else
#define sbp2x_alloc_ordered_workqueue(fmt, flags, map, args...) \
	alloc_ordered_workqueue(fmt, flags, ##args)

static inline bool sbp2x_lockdep_is_held(const struct lockdep_map *map)
{
	return false;
}
#endif

#endif
