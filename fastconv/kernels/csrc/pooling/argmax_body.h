/* Part of pooling/pool_f32.h, for one vector width: positions in a window as int8 or int32.
 *
 * In registers, a lane holds its position as an int, or for int8 as the same byte four times:
 * lane l then has byte l % 4 of an int where memory wants it (x86 and ARM are little-endian), and
 * bytes are packed and compared with whole-lane moves alone. */
FC_INLINE wi FC_SIZED(position)(ptrdiff_t p, const int kind) {
    return wi_splat((int32_t)(kind == FC_POOL_ARGMAX8 ? (p & 0xff) * 0x01010101 : p));
}

#if FC_W == 1

FC_INLINE void FC_SIZED(store_positions)(void *argmax, ptrdiff_t c, wi v, const int kind) {
    if (kind == FC_POOL_ARGMAX8) {
        ((int8_t *)argmax)[c] = (int8_t)v[0];
    } else {
        wi_store((int32_t *)argmax + c, v);
    }
}
FC_INLINE wi FC_SIZED(load_positions)(const void *argmax, ptrdiff_t c, const int kind) {
    if (kind != FC_POOL_ARGMAX8) return wi_load((const int32_t *)argmax + c);
    return wi_splat(((const uint8_t *)argmax)[c]);
}
FC_INLINE wi FC_SIZED(at_position)(wi v, wi p, const int kind) {
    return kind == FC_POOL_ARGMAX8 ? ((v ^ p) & 0xff) == 0 : v == p;
}

#else

#if FC_W == 4
#define FC_QUADS(a, b, c, d) a, b, c, d
#define FC_OWN_BYTE 0xff, 0xff00, 0xff0000, ~0xffffff
#elif FC_W == 8
#define FC_QUADS(a, b, c, d) a, b, c, d, 4 + a, 4 + b, 4 + c, 4 + d
#define FC_OWN_BYTE 0xff, 0xff00, 0xff0000, ~0xffffff, 0xff, 0xff00, 0xff0000, ~0xffffff
#else
#define FC_QUADS(a, b, c, d)                                                                    \
    a, b, c, d, 4 + a, 4 + b, 4 + c, 4 + d, 8 + a, 8 + b, 8 + c, 8 + d, 12 + a, 12 + b, 12 + c, \
        12 + d
#define FC_OWN_BYTE                                                                \
    0xff, 0xff00, 0xff0000, ~0xffffff, 0xff, 0xff00, 0xff0000, ~0xffffff, 0xff,    \
        0xff00, 0xff0000, ~0xffffff, 0xff, 0xff00, 0xff0000, ~0xffffff
#endif

FC_INLINE void FC_SIZED(store_positions)(void *argmax, ptrdiff_t c, wi v, const int kind) {
    if (kind != FC_POOL_ARGMAX8) {
        wi_store((int32_t *)argmax + c, v);
        return;
    }
    v &= (wi){FC_OWN_BYTE};
    v |= __builtin_shufflevector(v, v, FC_QUADS(1, 0, 3, 2));
    v |= __builtin_shufflevector(v, v, FC_QUADS(2, 3, 0, 1));
#if FC_W == 8
    v = __builtin_shufflevector(v, v, 0, 4, 0, 4, 0, 4, 0, 4);
#elif FC_W == 16
    v = __builtin_shufflevector(v, v, 0, 4, 8, 12, 0, 4, 8, 12, 0, 4, 8, 12, 0, 4, 8, 12);
#endif
    memcpy((int8_t *)argmax + c, &v, FC_W);
}

/* For int8, each lane gets the int that holds its byte. */
FC_INLINE wi FC_SIZED(load_positions)(const void *argmax, ptrdiff_t c, const int kind) {
    if (kind != FC_POOL_ARGMAX8) return wi_load((const int32_t *)argmax + c);
#if FC_W == 4
    int32_t quad;
    memcpy(&quad, (const int8_t *)argmax + c, 4);
    return wi_splat(quad);
#else
    /* Splats of 64 bits: GCC loads parts of a register by way of the stack. */
    typedef int64_t longs __attribute__((vector_size(FC_W * 4)));
    int64_t pair[FC_W / 8];
    memcpy(pair, (const int8_t *)argmax + c, FC_W);
    const wi low = (wi)(pair[0] - (longs){0});
#if FC_W == 8
    return __builtin_shufflevector(low, low, 0, 0, 0, 0, 1, 1, 1, 1);
#else
    const wi high = (wi)(pair[1] - (longs){0});
    return __builtin_shufflevector(low, high, 0, 0, 0, 0, 1, 1, 1, 1, 16, 16, 16, 16, 17, 17, 17,
                                   17);
#endif
#endif
}

/* The mask of the lanes of `v`, as loaded, whose position is p. */
FC_INLINE wi FC_SIZED(at_position)(wi v, wi p, const int kind) {
    return kind == FC_POOL_ARGMAX8 ? ((v ^ p) & (wi){FC_OWN_BYTE}) == 0 : v == p;
}

#undef FC_QUADS
#undef FC_OWN_BYTE
#endif
