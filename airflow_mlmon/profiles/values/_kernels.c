/* Loops of the profiling engine that numpy takes several passes for. Optional: each has its equal in numpy.

   Buffers are contiguous and of the machine's byte order; what a caller passes is checked for its length alone.
   The interpreter is released in every loop, so that columns are counted on all cores. */

#define PY_SSIZE_T_CLEAN
#define Py_LIMITED_API 0x030B0000
#include <Python.h>
#include <stdint.h>
#include <string.h>

typedef unsigned __int128 wide;

static int view(PyObject *of, Py_buffer *found, Py_ssize_t least, int writable)
{
    if (PyObject_GetBuffer(of, found, writable ? PyBUF_WRITABLE : PyBUF_SIMPLE) < 0)
        return -1;
    if (least < 0 || found->len < least) {
        PyBuffer_Release(found);
        PyErr_SetString(PyExc_ValueError, "a buffer is too short");
        return -1;
    }
    return 0;
}

/* Copy the values that are valid to the front; eight at once where all are, as nulls are rare or lie together. */
#define SELECT(type)                                                                                                   \
    const type *from = values.buf;                                                                                     \
    type *to = out.buf;                                                                                                \
    for (Py_ssize_t at = 0; at < count;) {                                                                             \
        const Py_ssize_t bit = first + at, rest = 8 - (bit & 7), stop = at + rest < count ? at + rest : count;         \
        unsigned mask = (unsigned)bits[bit >> 3] >> (bit & 7);                                                         \
        if (mask == 255 && stop == at + 8) {                                                                           \
            memcpy(to + held, from + at, 8 * sizeof(type));                                                            \
            held += 8;                                                                                                 \
            at += 8;                                                                                                   \
        } else                                                                                                         \
            for (; at < stop; at++, mask >>= 1) {                                                                      \
                to[held] = from[at];                                                                                   \
                held += mask & 1;                                                                                      \
            }                                                                                                          \
    }

/* Select the values that are valid: values, bytes of one, validity, first bit, number, out -> number selected. */
static PyObject *select_valid(PyObject *self, PyObject *args)
{
    PyObject *values_of, *validity_of, *out_of;
    Py_ssize_t size, first, count, held = 0;
    Py_buffer values, validity, out;
    if (!PyArg_ParseTuple(args, "OnOnnO", &values_of, &size, &validity_of, &first, &count, &out_of))
        return NULL;
    if ((size != 4 && size != 8) || first < 0 || count < 0) {
        PyErr_SetString(PyExc_ValueError, "values of four or eight bytes are selected");
        return NULL;
    }
    if (view(values_of, &values, size * count, 0) < 0)
        return NULL;
    if (view(validity_of, &validity, (first + count + 7) / 8, 0) < 0) {
        PyBuffer_Release(&values);
        return NULL;
    }
    if (view(out_of, &out, size * count, 1) < 0) {
        PyBuffer_Release(&values);
        PyBuffer_Release(&validity);
        return NULL;
    }
    Py_BEGIN_ALLOW_THREADS
    const uint8_t *bits = validity.buf;
    if (size == 8) {
        SELECT(uint64_t)
    } else {
        SELECT(uint32_t)
    }
    Py_END_ALLOW_THREADS
    PyBuffer_Release(&values);
    PyBuffer_Release(&validity);
    PyBuffer_Release(&out);
    return PyLong_FromSsize_t(held);
}

/* Select the hours of the rows that are valid, and count the others: hours, validity, first bit, out, counts by hour
   -> number selected. */
static PyObject *split_hours(PyObject *self, PyObject *args)
{
    PyObject *hours_of, *validity_of, *out_of, *counts_of;
    Py_ssize_t first, held = 0;
    Py_buffer hours, validity, out, counts;
    int64_t apart[4][256];
    if (!PyArg_ParseTuple(args, "OOnOO", &hours_of, &validity_of, &first, &out_of, &counts_of))
        return NULL;
    if (view(hours_of, &hours, 0, 0) < 0)
        return NULL;
    if (view(validity_of, &validity, first < 0 ? -1 : (first + hours.len + 7) / 8, 0) < 0) {
        PyBuffer_Release(&hours);
        return NULL;
    }
    if (view(out_of, &out, hours.len, 1) < 0) {
        PyBuffer_Release(&hours);
        PyBuffer_Release(&validity);
        return NULL;
    }
    if (view(counts_of, &counts, 8 * 256, 1) < 0) {
        PyBuffer_Release(&hours);
        PyBuffer_Release(&validity);
        PyBuffer_Release(&out);
        return NULL;
    }
    Py_BEGIN_ALLOW_THREADS
    const uint8_t *from = hours.buf, *bits = validity.buf;
    uint8_t *to = out.buf;
    int64_t *total = counts.buf;
    memset(apart, 0, sizeof apart);
    for (Py_ssize_t row = 0; row < hours.len; row++) {
        Py_ssize_t bit = first + row;
        int is_held = bits[bit >> 3] >> (bit & 7) & 1;
        to[held] = from[row];
        held += is_held;
        /* rows in the order of time would wait for each other in one table */
        apart[row & 3][from[row]] += 1 - is_held;
    }
    for (int hour = 0; hour < 256; hour++)
        total[hour] += apart[0][hour] + apart[1][hour] + apart[2][hour] + apart[3][hour];
    Py_END_ALLOW_THREADS
    PyBuffer_Release(&hours);
    PyBuffer_Release(&validity);
    PyBuffer_Release(&out);
    PyBuffer_Release(&counts);
    return PyLong_FromSsize_t(held);
}

/* Place of a deviation among 2**16 cells, as columns/grid.py has them: the sign, then its bits of float32. */
static inline uint32_t place_of(uint64_t bits)
{
    int32_t magnitude = (int32_t)(bits >> 45 & 0x3FFFF) - (896 << 7);
    magnitude = magnitude < 128 ? 0 : magnitude;
    magnitude = magnitude > 32639 ? 32639 : magnitude;
    return (uint32_t)(bits >> 63) << 15 | (uint32_t)magnitude;
}

static PyObject *integer_of(wide value, int is_signed)
{
    uint64_t words[2] = {(uint64_t)value, (uint64_t)(value >> 64)};
    PyObject *low = PyLong_FromUnsignedLongLong(words[0]);
    PyObject *high = is_signed ? PyLong_FromLongLong((int64_t)words[1]) : PyLong_FromUnsignedLongLong(words[1]);
    PyObject *by = PyLong_FromLong(64), *shifted = NULL, *sum = NULL;
    if (low && high && by && (shifted = PyNumber_Lshift(high, by)))
        sum = PyNumber_Or(shifted, low);
    Py_XDECREF(low);
    Py_XDECREF(high);
    Py_XDECREF(by);
    Py_XDECREF(shifted);
    return sum;
}

/* Deviations that are counted at a time, and quanta below which the squares of so many add up to less than 2**63. */
#define AT_A_TIME 2048
#define NEAR 33554432.0

/* so large a double has no bits of a fraction left: the sum with it is rounded, ties to even */
static inline int64_t round_to_integer(double scaled)
{
    const double shifter = 6755399441055744.0, shifted = scaled + shifter;
    int64_t integer, zero;
    memcpy(&integer, &shifted, 8);
    memcpy(&zero, &shifter, 8);
    return integer - zero;
}

/* Sum and count deviations: deviations, their reach in quanta, less than 2**47, 1 / quantum, counts of cells or None,
   hours or None, sums by hour or None -> sum and sum of squares, in quanta. */
static PyObject *count_deviations(PyObject *self, PyObject *args)
{
    PyObject *deviations_of, *cells_of, *hours_of, *sums_of, *result = NULL;
    double reach, unit;
    Py_buffer deviations, cells, hours, sums;
    if (!PyArg_ParseTuple(args, "OddOOO", &deviations_of, &reach, &unit, &cells_of, &hours_of, &sums_of))
        return NULL;
    memset(&cells, 0, sizeof cells);
    memset(&hours, 0, sizeof hours);
    memset(&sums, 0, sizeof sums);
    if (view(deviations_of, &deviations, 0, 0) < 0)
        return NULL;
    Py_ssize_t count = deviations.len / 8;
    if (cells_of != Py_None && view(cells_of, &cells, 8 << 16, 1) < 0)
        goto done;
    if (hours_of != Py_None && (view(hours_of, &hours, count, 0) < 0 || view(sums_of, &sums, 8 * 256, 1) < 0))
        goto done;
    wide squares = 0;
    __int128 total = 0;
    Py_BEGIN_ALLOW_THREADS
    const double *at = deviations.buf;
    int64_t *places = cells.buf, *by_hour = sums.buf;
    const uint8_t *hour = hours.buf;
    int64_t apart[4][256];
    memset(apart, 0, sizeof apart);
    for (Py_ssize_t start = 0; start < count; start += AT_A_TIME) {
        const Py_ssize_t stop = start + AT_A_TIME < count ? start + AT_A_TIME : count;
        int64_t part = 0, integers[AT_A_TIME];
        /* each loop does one thing, as the compiler can then do several rows at once */
        for (Py_ssize_t row = start; row < stop; row++)
            part += integers[row - start] = round_to_integer(at[row] * unit);
        total += part;
        if (reach < NEAR) {
            uint64_t part_of_squares = 0;
            for (Py_ssize_t row = 0; row < stop - start; row++)
                part_of_squares += (uint64_t)(integers[row] * integers[row]);
            squares += part_of_squares;
        } else {
            for (Py_ssize_t row = 0; row < stop - start; row++) {
                const uint64_t magnitude = integers[row] < 0 ? 0 - (uint64_t)integers[row] : (uint64_t)integers[row];
                squares += (wide)magnitude * magnitude;
            }
        }
        if (hour)
            for (Py_ssize_t row = start; row < stop; row++)
                apart[row & 3][hour[row]] += integers[row - start];
        if (places) {
            uint16_t found[AT_A_TIME];
            for (Py_ssize_t row = start; row < stop; row++) {
                uint64_t bits;
                memcpy(&bits, at + row, 8);
                found[row - start] = (uint16_t)place_of(bits);
            }
            for (Py_ssize_t row = start; row < stop; row++)
                places[found[row - start]]++;
        }
    }
    for (int code = 0; hour && code < 256; code++)
        by_hour[code] += apart[0][code] + apart[1][code] + apart[2][code] + apart[3][code];
    Py_END_ALLOW_THREADS
    PyObject *sum = integer_of((wide)total, 1), *sum_of_squares = integer_of(squares, 0);
    if (sum && sum_of_squares)
        result = PyTuple_Pack(2, sum, sum_of_squares);
    Py_XDECREF(sum);
    Py_XDECREF(sum_of_squares);
done:
    PyBuffer_Release(&deviations);
    if (cells.obj)
        PyBuffer_Release(&cells);
    if (hours.obj)
        PyBuffer_Release(&hours);
    if (sums.obj)
        PyBuffer_Release(&sums);
    return result;
}

static inline uint64_t rotate(uint64_t word, int by) { return word << by | word >> (64 - by); }

static inline uint64_t avalanche(uint64_t hash)
{
    hash ^= hash >> 33;
    hash *= 0xFF51AFD7ED558CCDULL;
    hash ^= hash >> 33;
    hash *= 0xC4CEB9FE1A85EC53ULL;
    return hash ^ hash >> 33;
}

/* MurmurHash3 of 128 bits with the seed of datasketches; the upper 63 of the first 64 bits. Bytes that may be read
   go beyond the text, mostly. */
static inline uint64_t hash_text(const uint8_t *text, uint64_t length, uint64_t readable)
{
    const uint64_t one_by = 0x87C37B91114253D5ULL, two_by = 0x4CF5AD432745937FULL;
    uint64_t first = 9001, second = 9001, one, two;
    for (uint64_t block = length / 16; block; block--, text += 16) {
        memcpy(&one, text, 8);
        memcpy(&two, text + 8, 8);
        first = (rotate(first ^ rotate(one * one_by, 31) * two_by, 27) + second) * 5 + 0x52DCE729;
        second = (rotate(second ^ rotate(two * two_by, 33) * one_by, 31) + first) * 5 + 0x38495AB5;
    }
    uint64_t words[2] = {0, 0}, rest = length & 15;
    if (readable - (length - rest) >= 16) {
        memcpy(words, text, 16);
        words[0] &= rest < 8 ? ((uint64_t)1 << 8 * rest) - 1 : ~(uint64_t)0;
        words[1] &= rest > 8 ? ((uint64_t)1 << 8 * (rest - 8)) - 1 : 0;
    } else {
        memcpy(words, text, rest);
    }
    first ^= rotate(words[0] * one_by, 31) * two_by;
    second ^= rotate(words[1] * two_by, 33) * one_by;
    first ^= length;
    second ^= length;
    first += second;
    second += first;
    return (avalanche(first) + avalanche(second)) >> 1;
}

/* Hash texts: offsets, bytes of one, first text, number, bytes of the texts, out of 64-bit hashes. */
static PyObject *hash_texts(PyObject *self, PyObject *args)
{
    PyObject *offsets_of, *data_of, *out_of;
    Py_ssize_t size, first, count;
    Py_buffer offsets, data, out;
    int is_sound = 1;
    if (!PyArg_ParseTuple(args, "OnnnOO", &offsets_of, &size, &first, &count, &data_of, &out_of))
        return NULL;
    if ((size != 4 && size != 8) || first < 0 || count < 0) {
        PyErr_SetString(PyExc_ValueError, "offsets have four or eight bytes");
        return NULL;
    }
    if (view(offsets_of, &offsets, (first + count + 1) * size, 0) < 0)
        return NULL;
    if (view(data_of, &data, 0, 0) < 0) {
        PyBuffer_Release(&offsets);
        return NULL;
    }
    if (view(out_of, &out, 8 * count, 1) < 0) {
        PyBuffer_Release(&offsets);
        PyBuffer_Release(&data);
        return NULL;
    }
    Py_BEGIN_ALLOW_THREADS
    const int32_t *small = (const int32_t *)offsets.buf + first;
    const int64_t *large = (const int64_t *)offsets.buf + first;
    uint64_t *hashes = out.buf;
    for (Py_ssize_t at = 0; at < count; at++) {
        int64_t start = size == 4 ? small[at] : large[at], stop = size == 4 ? small[at + 1] : large[at + 1];
        if (start < 0 || stop < start || stop > data.len) {
            is_sound = 0;
            break;
        }
        hashes[at] = hash_text((const uint8_t *)data.buf + start, (uint64_t)(stop - start),
                               (uint64_t)(data.len - start));
    }
    Py_END_ALLOW_THREADS
    PyBuffer_Release(&offsets);
    PyBuffer_Release(&data);
    PyBuffer_Release(&out);
    if (!is_sound) {
        PyErr_SetString(PyExc_ValueError, "the offsets of the texts are damaged");
        return NULL;
    }
    Py_RETURN_NONE;
}

/* Hashes that are looked up at a time: each is fetched from memory while the others are waited for. */
#define AT_ONCE 64

/* Find hashes among ascending ones: those, where the ones of each bucket begin, bits below the bucket, bitmap of the
   buckets that are FINER bits smaller and have one, FINER, hashes that are sought, out of the first place of each in 32
   bits, -1 of one that is not there or is negative. */
static PyObject *find_hashes(PyObject *self, PyObject *args)
{
    PyObject *of[5];
    Py_ssize_t shift, finer;
    Py_buffer views[5];
    int opened = 0;
    if (!PyArg_ParseTuple(args, "OOnOnOO", &of[0], &of[1], &shift, &of[2], &finer, &of[3], &of[4]))
        return NULL;
    if (finer < 3 || shift < finer || shift > 62) {
        PyErr_SetString(PyExc_ValueError, "a hash has 63 bits");
        return NULL;
    }
    const Py_ssize_t buckets = (Py_ssize_t)1 << (63 - shift);
    for (; opened < 5; opened++) {
        const Py_ssize_t least[5] = {0, 4 * (buckets + 1), buckets << (finer - 3), 0, opened == 4 ? views[3].len / 2 : 0};
        if (view(of[opened], &views[opened], least[opened], opened == 4) < 0)
            goto failed;
    }
    Py_BEGIN_ALLOW_THREADS
    const int64_t *hashes = views[0].buf, *sought = views[3].buf;
    const int32_t *starts = views[1].buf, known = (int32_t)(views[0].len / 8);
    const uint8_t *taken = views[2].buf;
    int32_t *places = views[4].buf;
    const Py_ssize_t count = views[3].len / 8;
    for (Py_ssize_t first = 0; first < count; first += AT_ONCE) {
        const Py_ssize_t last = first + AT_ONCE < count ? first + AT_ONCE : count;
        Py_ssize_t likely[AT_ONCE], held = 0;
        for (Py_ssize_t at = first; at < last; at++) {
            const uint64_t fine = (uint64_t)(sought[at] & INT64_MAX) >> (shift - finer);
            places[at] = -1;
            likely[held] = at;
            held += (taken[fine >> 3] >> (7 - (fine & 7)) & 1) & (sought[at] >= 0);
        }
        for (Py_ssize_t number = 0; number < held; number++)
            __builtin_prefetch(starts + (sought[likely[number]] >> shift));
        for (Py_ssize_t number = 0; number < held; number++) {
            const int32_t low = starts[sought[likely[number]] >> shift];
            if (low >= 0 && low < known)
                __builtin_prefetch(hashes + low);
        }
        for (Py_ssize_t number = 0; number < held; number++) {
            const int64_t hash = sought[likely[number]];
            int32_t low = starts[hash >> shift], high = starts[(hash >> shift) + 1];
            const int32_t end = high;
            if (low < 0 || end > known)
                continue;
            while (low < high) {
                const int32_t middle = low + (high - low) / 2;
                if (hashes[middle] < hash)
                    low = middle + 1;
                else
                    high = middle;
            }
            if (low < end && hashes[low] == hash)
                places[likely[number]] = low;
        }
    }
    Py_END_ALLOW_THREADS
failed:
    while (opened)
        PyBuffer_Release(&views[--opened]);
    if (PyErr_Occurred())
        return NULL;
    Py_RETURN_NONE;
}

/* Mix the hashes of doubles into those of the columns before, as drift/rows/contents.py does: hashes, which are changed,
   doubles, validity or None, its first bit, hash of a missing value. */
static PyObject *mix_doubles(PyObject *self, PyObject *args)
{
    PyObject *hashes_of, *doubles_of, *validity_of;
    Py_ssize_t first;
    unsigned long long missing;
    Py_buffer hashes, doubles, validity;
    if (!PyArg_ParseTuple(args, "OOOnK", &hashes_of, &doubles_of, &validity_of, &first, &missing))
        return NULL;
    memset(&validity, 0, sizeof validity);
    if (view(hashes_of, &hashes, 0, 1) < 0)
        return NULL;
    const Py_ssize_t count = hashes.len / 8;
    if (view(doubles_of, &doubles, 8 * count, 0) < 0) {
        PyBuffer_Release(&hashes);
        return NULL;
    }
    if (validity_of != Py_None && view(validity_of, &validity, first < 0 ? -1 : (first + count + 7) / 8, 0) < 0) {
        PyBuffer_Release(&hashes);
        PyBuffer_Release(&doubles);
        return NULL;
    }
    Py_BEGIN_ALLOW_THREADS
    const uint8_t *bits = validity.buf;
    const double *from = doubles.buf;
    uint64_t *to = hashes.buf;
    for (Py_ssize_t at = 0; at < count; at++) {
        /* one zero, and one value that is no number */
        const double value = from[at] + 0.0;
        uint64_t own;
        memcpy(&own, &value, 8);
        own = value == value ? own : 0x7FF8000000000000ULL;
        if (bits)
            own = bits[(first + at) >> 3] >> ((first + at) & 7) & 1 ? own : missing;
        uint64_t mixed = to[at] * 0x9E3779B97F4A7C15ULL + own;
        mixed = (mixed ^ mixed >> 30) * 0xBF58476D1CE4E5B9ULL;
        mixed = (mixed ^ mixed >> 27) * 0x94D049BB133111EBULL;
        to[at] = mixed ^ mixed >> 31;
    }
    Py_END_ALLOW_THREADS
    PyBuffer_Release(&hashes);
    PyBuffer_Release(&doubles);
    if (validity.obj)
        PyBuffer_Release(&validity);
    Py_RETURN_NONE;
}

/* Find the patterns of texts in ASCII: offsets of 32 bits, first text, number, bytes, shapes of the 128 characters,
   longest run, longest run of digits, longest pattern, out of bytes, out of lengths, out of whether each was cut. */
static PyObject *find_patterns(PyObject *self, PyObject *args)
{
    PyObject *of[6];
    Py_ssize_t first, count, run, digits, longest;
    Py_buffer views[6];
    int is_sound = 1, opened = 0;
    if (!PyArg_ParseTuple(args, "OnnOOnnnOOO", &of[0], &first, &count, &of[1], &of[2], &run, &digits, &longest, &of[3],
                          &of[4], &of[5]))
        return NULL;
    if (first < 0 || count < 0 || longest < 0) {
        PyErr_SetString(PyExc_ValueError, "numbers are not negative");
        return NULL;
    }
    const Py_ssize_t least[6] = {(first + count + 1) * 4, 0, 128, count * longest, count, count};
    for (; opened < 6; opened++)
        if (view(of[opened], &views[opened], least[opened], opened > 2) < 0)
            goto failed;
    Py_BEGIN_ALLOW_THREADS
    const int32_t *bounds = (const int32_t *)views[0].buf + first;
    const uint8_t *data = views[1].buf, *shapes = views[2].buf;
    uint8_t *out = views[3].buf, *lengths = views[4].buf, *is_cut = views[5].buf;
    for (Py_ssize_t at = 0; at < count && is_sound; at++) {
        Py_ssize_t kept = 0, same = 0;
        uint8_t last = 0;
        if (bounds[at] < 0 || bounds[at + 1] < bounds[at] || bounds[at + 1] > views[1].len) {
            is_sound = 0;
            break;
        }
        for (int32_t place = bounds[at]; place < bounds[at + 1] && kept <= longest; place++) {
            if (data[place] >= 128) {
                is_sound = 0;
                break;
            }
            uint8_t shape = shapes[data[place]];
            same = shape == last ? same + 1 : 1;
            last = shape;
            if (same > (shape == '9' ? digits : run))
                continue;
            if (kept < longest)
                out[kept] = shape;
            kept++;
        }
        is_cut[at] = kept > longest;
        lengths[at] = (uint8_t)(kept > longest ? longest : kept);
        out += lengths[at];
    }
    Py_END_ALLOW_THREADS
    if (!is_sound)
        PyErr_SetString(PyExc_ValueError, "the texts are not ASCII, or their offsets are damaged");
failed:
    while (opened)
        PyBuffer_Release(&views[--opened]);
    if (PyErr_Occurred())
        return NULL;
    Py_RETURN_NONE;
}

/* Look up the unit of time of each moment: moments, length of a unit, first unit, bytes by unit, out of bytes ->
   whether all units are there. */
static PyObject *look_up_units(PyObject *self, PyObject *args)
{
    PyObject *moments_of, *known_of, *out_of;
    long long length, first;
    Py_buffer moments, known, out;
    int is_there = 1;
    if (!PyArg_ParseTuple(args, "OLLOO", &moments_of, &length, &first, &known_of, &out_of))
        return NULL;
    if (length <= 0) {
        PyErr_SetString(PyExc_ValueError, "a unit has a length");
        return NULL;
    }
    if (view(moments_of, &moments, 0, 0) < 0)
        return NULL;
    Py_ssize_t count = moments.len / 8;
    if (view(known_of, &known, 0, 0) < 0) {
        PyBuffer_Release(&moments);
        return NULL;
    }
    if (view(out_of, &out, count, 1) < 0) {
        PyBuffer_Release(&moments);
        PyBuffer_Release(&known);
        return NULL;
    }
    Py_BEGIN_ALLOW_THREADS
    const int64_t *at = moments.buf;
    const uint8_t *bytes = known.buf;
    uint8_t *to = out.buf;
    for (Py_ssize_t row = 0; row < count; row++) {
        uint64_t place = (uint64_t)(at[row] / length - (at[row] % length < 0)) - (uint64_t)first;
        if (place >= (uint64_t)known.len) {
            is_there = 0;
            break;
        }
        to[row] = bytes[place];
    }
    Py_END_ALLOW_THREADS
    PyBuffer_Release(&moments);
    PyBuffer_Release(&known);
    PyBuffer_Release(&out);
    return PyBool_FromLong(is_there);
}

/* Add counts at the places of their keys: keys of 32 bits, counts, lowest key, out of counts. */
static PyObject *add_counts(PyObject *self, PyObject *args)
{
    PyObject *keys_of, *counts_of, *out_of;
    long long low;
    Py_buffer keys, counts, out;
    int is_sound = 1;
    if (!PyArg_ParseTuple(args, "OOLO", &keys_of, &counts_of, &low, &out_of))
        return NULL;
    if (view(keys_of, &keys, 0, 0) < 0)
        return NULL;
    Py_ssize_t number = keys.len / 4;
    if (view(counts_of, &counts, 8 * number, 0) < 0) {
        PyBuffer_Release(&keys);
        return NULL;
    }
    if (view(out_of, &out, 0, 1) < 0) {
        PyBuffer_Release(&keys);
        PyBuffer_Release(&counts);
        return NULL;
    }
    const int32_t *key = keys.buf;
    const int64_t *count = counts.buf;
    int64_t *places = out.buf;
    for (Py_ssize_t at = 0; at < number; at++) {
        uint64_t place = (uint64_t)key[at] - (uint64_t)low;
        if (place >= (uint64_t)out.len / 8) {
            is_sound = 0;
            break;
        }
        places[place] += count[at];
    }
    PyBuffer_Release(&keys);
    PyBuffer_Release(&counts);
    PyBuffer_Release(&out);
    if (!is_sound) {
        PyErr_SetString(PyExc_ValueError, "a key has no place");
        return NULL;
    }
    Py_RETURN_NONE;
}

/* Widen unsigned integers of one to eight bytes, aligned or not. */
#define WIDEN(type)                                                                                                    \
    for (Py_ssize_t at = 0; at < number; at++) {                                                                       \
        type held;                                                                                                     \
        memcpy(&held, from + at * (Py_ssize_t)sizeof held, sizeof held);                                               \
        to[at] = (int64_t)held;                                                                                        \
    }

static void widen(const uint8_t *from, Py_ssize_t width, Py_ssize_t number, int64_t *to)
{
    if (width == 1)
        WIDEN(uint8_t)
    else if (width == 2)
        WIDEN(uint16_t)
    else if (width == 4)
        WIDEN(uint32_t)
    else
        WIDEN(uint64_t)
}

/* Place after an array of a number of unsigned integers, as codec/framing.py writes them; -1 if there is none. */
static Py_ssize_t find_integers(const Py_buffer *data, Py_ssize_t at, Py_ssize_t *width, Py_ssize_t *number)
{
    uint32_t held;
    if (at < 0 || data->len - at < 5)
        return -1;
    const uint8_t *from = (const uint8_t *)data->buf + at;
    memcpy(&held, from + 1, 4);
    *width = from[0] < 4 ? 1 << from[0] : 0;
    *number = held;
    return *width && (data->len - at - 5) / *width >= *number ? at + 5 + *number * *width : -1;
}

/* Read a tally of integer keys that was written as its first key, steps and counts: bytes, where it begins -> keys of
   32 bits, counts of 64, and where it ends. */
static PyObject *read_steps(PyObject *self, PyObject *args)
{
    PyObject *data_of, *keys = NULL, *counts = NULL, *result = NULL;
    Py_ssize_t begin, step, steps, width, number;
    Py_buffer data;
    if (!PyArg_ParseTuple(args, "On", &data_of, &begin) || view(data_of, &data, 0, 0) < 0)
        return NULL;
    uint32_t length = 0, last = 0;
    if (begin >= 0 && data.len - begin >= 4)
        memcpy(&length, (const uint8_t *)data.buf + begin, 4);
    const Py_ssize_t at = length > 8 || !length ? -1 : begin + 4 + (Py_ssize_t)length;
    const Py_ssize_t middle = find_integers(&data, at, &step, &steps);
    const Py_ssize_t end = middle < 0 ? -1 : find_integers(&data, middle, &width, &number);
    if (end < 0 || steps != (number ? number - 1 : 0)) {
        PyErr_SetString(PyExc_ValueError, "the counts are damaged");
        goto done;
    }
    keys = PyBytes_FromStringAndSize(NULL, 4 * number);
    counts = PyBytes_FromStringAndSize(NULL, 8 * number);
    if (!keys || !counts)
        goto done;
    int32_t *key = (int32_t *)PyBytes_AsString(keys);
    int64_t *count = (int64_t *)PyBytes_AsString(counts);
    if (number) {
        /* of a number of 32 bits in two's complement, shorter ones are filled up with its sign */
        const uint8_t *first = (const uint8_t *)data.buf + begin + 4;
        last = first[length - 1] & 128 ? UINT32_MAX : 0;
        memcpy(&last, first, length < 4 ? length : 4);
        /* the counts' place holds the steps for a moment */
        widen((const uint8_t *)data.buf + at + 5, step, steps, count + 1);
        key[0] = (int32_t)last;
        for (Py_ssize_t place = 1; place < number; place++)
            key[place] = (int32_t)(last += (uint32_t)count[place]);
        widen((const uint8_t *)data.buf + middle + 5, width, number, count);
    }
    result = Py_BuildValue("OOn", keys, counts, end);
done:
    Py_XDECREF(keys);
    Py_XDECREF(counts);
    PyBuffer_Release(&data);
    return result;
}

/* Integer of little-endian bytes in two's complement. */
static PyObject *integer_from(const uint8_t *bytes, Py_ssize_t length)
{
    if (!length || length > 16) {
        PyObject *read = PyObject_GetAttrString((PyObject *)&PyLong_Type, "from_bytes");
        PyObject *given = Py_BuildValue("(y#s)", bytes, length, "little"), *signs = Py_BuildValue("{sO}", "signed", Py_True);
        PyObject *found = read && given && signs ? PyObject_Call(read, given, signs) : NULL;
        Py_XDECREF(read);
        Py_XDECREF(given);
        Py_XDECREF(signs);
        return found;
    }
    uint64_t words[2];
    memset(words, bytes[length - 1] & 128 ? 255 : 0, sizeof words);
    memcpy(words, bytes, (size_t)length);
    return length <= 8 ? PyLong_FromLongLong((int64_t)words[0]) : integer_of((wide)words[1] << 64 | words[0], 1);
}

/* Read values in turn: bytes, where they begin, a letter of each (i integer, n number or none, b bytes) -> the values,
   and where they end. */
static PyObject *read_values(PyObject *self, PyObject *args)
{
    PyObject *data_of, *found;
    Py_ssize_t at;
    const char *kinds;
    Py_buffer data;
    if (!PyArg_ParseTuple(args, "Ons", &data_of, &at, &kinds) || view(data_of, &data, 0, 0) < 0)
        return NULL;
    found = PyList_New(0);
    for (; found && *kinds; kinds++) {
        const uint8_t *from = (const uint8_t *)data.buf + at;
        const Py_ssize_t rest = at < 0 ? -1 : data.len - at;
        PyObject *value = NULL;
        uint32_t length;
        double number;
        if (*kinds == 'n' && rest >= 1 && !from[0]) {
            value = Py_NewRef(Py_None);
            at += 1;
        } else if (*kinds == 'n' && rest >= 9) {
            memcpy(&number, from + 1, 8);
            value = PyFloat_FromDouble(number);
            at += 9;
        } else if (*kinds != 'n' && rest >= 4) {
            memcpy(&length, from, 4);
            if (rest - 4 >= (Py_ssize_t)length)
                value = *kinds == 'i' ? integer_from(from + 4, length)
                                      : PyBytes_FromStringAndSize((const char *)from + 4, length);
            at += 4 + (Py_ssize_t)length;
        }
        if (!value && !PyErr_Occurred())
            PyErr_SetString(PyExc_ValueError, "the values are damaged");
        if (!value || PyList_Append(found, value) < 0)
            Py_CLEAR(found);
        Py_XDECREF(value);
    }
    PyBuffer_Release(&data);
    PyObject *result = found ? Py_BuildValue("On", found, at) : NULL;
    Py_XDECREF(found);
    return result;
}

static PyMethodDef methods[] = {
    {"select_valid", select_valid, METH_VARARGS, "Select the values that are valid."},
    {"split_hours", split_hours, METH_VARARGS, "Select the hours of the rows that are valid, and count the others."},
    {"count_deviations", count_deviations, METH_VARARGS, "Sum and count deviations."},
    {"hash_texts", hash_texts, METH_VARARGS, "Hash texts."},
    {"mix_doubles", mix_doubles, METH_VARARGS, "Mix the hashes of doubles into those of the columns before."},
    {"find_hashes", find_hashes, METH_VARARGS, "Find hashes among ascending ones."},
    {"add_counts", add_counts, METH_VARARGS, "Add counts at the places of their keys."},
    {"read_steps", read_steps, METH_VARARGS, "Read a tally that was written as steps."},
    {"read_values", read_values, METH_VARARGS, "Read values in turn."},
    {"look_up_units", look_up_units, METH_VARARGS, "Look up the unit of time of each moment."},
    {"find_patterns", find_patterns, METH_VARARGS, "Find the patterns of texts in ASCII."},
    {NULL, NULL, 0, NULL},
};

static int add_source(PyObject *module) { return PyModule_AddStringConstant(module, "SOURCE", SOURCE); }

static PyModuleDef_Slot slots[] = {{Py_mod_exec, add_source}, {0, NULL}};

static struct PyModuleDef definition = {PyModuleDef_HEAD_INIT, "_kernels", NULL, 0, methods, slots, NULL, NULL, NULL};

PyMODINIT_FUNC PyInit__kernels(void) { return PyModuleDef_Init(&definition); }
