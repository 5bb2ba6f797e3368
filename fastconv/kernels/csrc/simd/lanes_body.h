/* Part of simd/lanes.h, for one width. */
#if FC_W > 1
typedef float wf __attribute__((vector_size(FC_W * 4), aligned(4), may_alias));
typedef int32_t wi __attribute__((vector_size(FC_W * 4), aligned(4), may_alias));

FC_INLINE wi FC_SIZED(wi_select)(wi mask, wi a, wi b) { return (mask & a) | (~mask & b); }
FC_INLINE wf FC_SIZED(w_select)(wi mask, wf a, wf b) {
    return (wf)FC_SIZED(wi_select)(mask, (wi)a, (wi)b);
}
#else
typedef float wf;
typedef int32_t wi;

FC_INLINE wi FC_SIZED(wi_select)(wi mask, wi a, wi b) { return mask ? a : b; }
FC_INLINE wf FC_SIZED(w_select)(wi mask, wf a, wf b) { return mask ? a : b; }
#endif

/* NaN when either side is NaN, as NumPy's maximum. */
FC_INLINE wf FC_SIZED(w_max)(wf a, wf b) { return FC_SIZED(w_select)((a > b) | (a != a), a, b); }
