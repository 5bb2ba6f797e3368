/* State of the calling thread and process that kernels have to mind. */
#ifndef FC_PROCESS_H
#define FC_PROCESS_H

/* Flush denormal inputs and results to zero in the calling thread; gives back the state to restore. */
unsigned fc_flush_denormals(void);
void fc_restore_denormals(unsigned state);

/* 1 in a child of fork(), once fc_watch_fork() was called in the parent. */
int fc_forked(void);
void fc_watch_fork(void);

#endif
