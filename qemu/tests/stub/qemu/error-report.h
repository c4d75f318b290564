/* SPDX-License-Identifier: GPL-2.0-or-later */

#ifndef STUB_ERROR_REPORT_H
#define STUB_ERROR_REPORT_H

extern unsigned stub_warnings;

#define warn_report(...) ((void)stub_warnings++)

#endif
