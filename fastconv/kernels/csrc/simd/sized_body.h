/* Part of simd/sized.h, for one width. */
#if FC_W > 1
typedef float wf __attribute__((vector_size(FC_W * 4)));
typedef int32_t wi __attribute__((vector_size(FC_W * 4)));
typedef float FC_SIZED(wf_any) __attribute__((vector_size(FC_W * 4), aligned(4), may_alias));
typedef int32_t FC_SIZED(wi_any) __attribute__((vector_size(FC_W * 4), aligned(4), may_alias));

FC_INLINE wi FC_SIZED(wi_select)(wi mask, wi a, wi b) { return (mask & a) | (~mask & b); }
FC_INLINE wf FC_SIZED(wf_select)(wi mask, wf a, wf b) {
    return (wf)FC_SIZED(wi_select)(mask, (wi)a, (wi)b);
}
#else
typedef float wf, FC_SIZED(wf_any);
typedef int32_t wi, FC_SIZED(wi_any);

FC_INLINE wi FC_SIZED(wi_select)(wi mask, wi a, wi b) { return mask ? a : b; }
FC_INLINE wf FC_SIZED(wf_select)(wi mask, wf a, wf b) { return mask ? a : b; }
#endif

FC_INLINE wf FC_SIZED(wf_load)(const float *p) { return *(const FC_SIZED(wf_any) *)p; }
FC_INLINE void FC_SIZED(wf_store)(float *p, wf v) { *(FC_SIZED(wf_any) *)p = v; }
FC_INLINE wi FC_SIZED(wi_load)(const int32_t *p) { return *(const FC_SIZED(wi_any) *)p; }
FC_INLINE void FC_SIZED(wi_store)(int32_t *p, wi v) { *(FC_SIZED(wi_any) *)p = v; }

/* NaN when either side is NaN, as NumPy's maximum. */
FC_INLINE wf FC_SIZED(wf_max)(wf a, wf b) {
    return FC_SIZED(wf_select)((a > b) | (a != a), a, b);
}
