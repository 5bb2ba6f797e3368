/* Part of simd/sized.h, for one width. A width of 1 has four lanes too, three of which idle. */
typedef float wf __attribute__((vector_size((FC_W < 4 ? 4 : FC_W) * 4)));
typedef int32_t wi __attribute__((vector_size((FC_W < 4 ? 4 : FC_W) * 4)));
typedef float FC_SIZED(wf_any)
    __attribute__((vector_size((FC_W < 4 ? 4 : FC_W) * 4), aligned(4), may_alias));
typedef int32_t FC_SIZED(wi_any)
    __attribute__((vector_size((FC_W < 4 ? 4 : FC_W) * 4), aligned(4), may_alias));

#if FC_W > 1
FC_INLINE wf FC_SIZED(wf_load)(const float *p) { return *(const FC_SIZED(wf_any) *)p; }
FC_INLINE void FC_SIZED(wf_store)(float *p, wf v) { *(FC_SIZED(wf_any) *)p = v; }
FC_INLINE wi FC_SIZED(wi_load)(const int32_t *p) { return *(const FC_SIZED(wi_any) *)p; }
FC_INLINE void FC_SIZED(wi_store)(int32_t *p, wi v) { *(FC_SIZED(wi_any) *)p = v; }
#else
FC_INLINE wf FC_SIZED(wf_load)(const float *p) { return (wf){*p}; }
FC_INLINE void FC_SIZED(wf_store)(float *p, wf v) { *p = v[0]; }
FC_INLINE wi FC_SIZED(wi_load)(const int32_t *p) { return (wi){*p}; }
FC_INLINE void FC_SIZED(wi_store)(int32_t *p, wi v) { *p = v[0]; }
#endif

/* A loaded value that is used more than once: GCC would repeat the load in every use. */
FC_INLINE wf FC_SIZED(wf_once)(wf v) {
#if defined(__x86_64__)
    __asm__("" : "+v"(v));
#elif defined(__aarch64__)
    __asm__("" : "+w"(v));
#endif
    return v;
}

FC_INLINE wi FC_SIZED(wi_select)(wi mask, wi a, wi b) { return (mask & a) | (~mask & b); }
FC_INLINE wf FC_SIZED(wf_select)(wi mask, wf a, wf b) {
    return (wf)FC_SIZED(wi_select)(mask, (wi)a, (wi)b);
}

/* NaN when either side is NaN, as NumPy's maximum. */
FC_INLINE wf FC_SIZED(wf_max)(wf a, wf b) {
#if FC_W == FC_VL
    return vf_max(a, b);
#else
    return FC_SIZED(wf_select)((a > b) | (a != a), a, b);
#endif
}

/* As vf_relu and vf_relu6. */
FC_INLINE wf FC_SIZED(wf_relu)(wf a) { return (wf)(~(a <= 0) & (wi)a); }
FC_INLINE wf FC_SIZED(wf_relu6)(wf a) {
#if FC_W == FC_VL
    return vf_relu6(a);
#else
    return FC_SIZED(wf_select)(a > 6, 6 - (wf){0}, FC_SIZED(wf_relu)(a));
#endif
}
