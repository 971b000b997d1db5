;; The CRC-32 of many bytes without a look into a table for each.
;;
;; x^2400 + x^1240 + x^936 + x^712 + 1 is a multiple of the polynomial of CRC-32. So a byte leaves the same remainder as
;; the same byte 145, 183, 211 and 300 places further on, all four together; and from the front on, sixteen at once, each is
;; laid over (XOR) those behind it, until the last 304 to 319 are left, which leave the remainder of all of them. No byte
;; reaches into its own sixteen, and each place may be written last: where its turn comes, it fetches what lies over it.
;;
;; The memory never grows, so that the array over it stays good:
;;   0       four tables of 256 words, for what is left; filled by who makes the instance
;;   4096    what is left
;;   7892    zeros, for what would lie ahead of the first bytes
;;   8192    the bytes, which are lost
(module
  (memory (export "memory") 2 2)

  ;; The sum of `bytes` bytes behind those whose sum is `seed`.
  (func (export "sum") (param $bytes i32) (param $seed i32) (result i32)
    ;; `ahead` is 300 below the sixteen bytes whose turn it is, since offsets are never negative.
    (local $sum i32) (local $at i32) (local $until i32) (local $ahead i32)
    (local.set $sum (i32.xor (local.get $seed) (i32.const -1)))
    (local.set $at (i32.const 8192))
    (local.set $until (i32.add (local.get $at) (local.get $bytes)))
    (if (i32.ge_u (local.get $bytes) (i32.const 512))
      (then
        (i32.store (local.get $at) (i32.xor (i32.load (local.get $at)) (local.get $sum)))
        (local.set $sum (i32.const 0))
        (local.set $ahead (i32.const 7892))
        (loop $sixteen
          (v128.store offset=300 align=1 (local.get $ahead)
            (v128.xor
              (v128.load offset=300 align=1 (local.get $ahead))
              (v128.xor
                (v128.xor (v128.load align=1 (local.get $ahead)) (v128.load offset=89 align=1 (local.get $ahead)))
                (v128.xor (v128.load offset=117 align=1 (local.get $ahead)) (v128.load offset=155 align=1 (local.get $ahead))))))
          (local.set $ahead (i32.add (local.get $ahead) (i32.const 16)))
          (br_if $sixteen (i32.lt_u (local.get $ahead) (i32.sub (local.get $until) (i32.const 619)))))
        ;; What is left goes apart, and zeros in its place: of its own bytes none is laid over another.
        (local.set $at (i32.add (local.get $ahead) (i32.const 300)))
        (local.set $until (i32.sub (local.get $until) (local.get $at)))
        (memory.copy (i32.const 4096) (local.get $at) (local.get $until))
        (memory.fill (local.get $at) (i32.const 0) (local.get $until))
        (local.set $until (i32.add (local.get $until) (i32.const 4096)))
        (local.set $at (i32.const 4096))
        (loop $sixteen
          (v128.store (local.get $at)
            (v128.xor
              (v128.load (local.get $at))
              (v128.xor
                (v128.xor (v128.load align=1 (local.get $ahead)) (v128.load offset=89 align=1 (local.get $ahead)))
                (v128.xor (v128.load offset=117 align=1 (local.get $ahead)) (v128.load offset=155 align=1 (local.get $ahead))))))
          (local.set $ahead (i32.add (local.get $ahead) (i32.const 16)))
          (local.set $at (i32.add (local.get $at) (i32.const 16)))
          (br_if $sixteen (i32.lt_u (local.get $at) (i32.const 4400))))
        (local.set $at (i32.const 4096))))
    (block $rest
      (loop $word
        (br_if $rest (i32.lt_u (i32.sub (local.get $until) (local.get $at)) (i32.const 4)))
        (local.set $sum (i32.xor (local.get $sum) (i32.load align=1 (local.get $at))))
        (local.set $sum
          (i32.xor
            (i32.xor
              (i32.load offset=3072 (i32.and (i32.shl (local.get $sum) (i32.const 2)) (i32.const 1020)))
              (i32.load offset=2048 (i32.and (i32.shr_u (local.get $sum) (i32.const 6)) (i32.const 1020))))
            (i32.xor
              (i32.load offset=1024 (i32.and (i32.shr_u (local.get $sum) (i32.const 14)) (i32.const 1020)))
              (i32.load (i32.and (i32.shr_u (local.get $sum) (i32.const 22)) (i32.const 1020))))))
        (local.set $at (i32.add (local.get $at) (i32.const 4)))
        (br $word)))
    (block $end
      (loop $byte
        (br_if $end (i32.eq (local.get $at) (local.get $until)))
        (local.set $sum
          (i32.xor
            (i32.shr_u (local.get $sum) (i32.const 8))
            (i32.load
              (i32.shl
                (i32.and (i32.xor (local.get $sum) (i32.load8_u (local.get $at))) (i32.const 255))
                (i32.const 2)))))
        (local.set $at (i32.add (local.get $at) (i32.const 1)))
        (br $byte)))
    (i32.xor (local.get $sum) (i32.const -1))))
