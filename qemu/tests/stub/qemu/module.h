/* SPDX-License-Identifier: GPL-2.0-or-later */

#ifndef STUB_MODULE_H
#define STUB_MODULE_H

#define type_init(fn) \
    static void __attribute__((constructor)) init_##fn(void) { fn(); }

#endif
