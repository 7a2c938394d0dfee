-- Numbers with Vietnamese separators: dot between thousands, comma before decimals.
--
-- Text is read by the first line that fits:
--   1234            digits                                                   1234
--   1.234.567,5     dots between groups of three, perhaps a decimal comma    1234567.5    so 1.234 is 1234
--   1234,5          one comma: decimals                                      1234.5       so 1,234 is 1.234
--   1,234,567.5     commas between groups, when more than one or with a dot  1234567.5
--   1234.5  0.125   one dot that cannot be between thousands: decimals       1234.5
-- Anything else is NULL. A value that is a number already (not text) is taken as it is: there 1.234 is 1.234.

CREATE OR REPLACE MACRO _vn_is_number(s) AS
    typeof(s) IN ('TINYINT', 'SMALLINT', 'INTEGER', 'BIGINT', 'HUGEINT', 'UTINYINT', 'USMALLINT', 'UINTEGER', 'UBIGINT',
                  'UHUGEINT', 'FLOAT', 'DOUBLE') OR starts_with(typeof(s), 'DECIMAL');

-- The same number with a decimal dot and nothing else, or NULL.
CREATE OR REPLACE MACRO _vn_plain_number(t) AS
    CASE WHEN regexp_full_match(t, '[+-]?\d+') THEN t
         WHEN regexp_full_match(t, '[+-]?[1-9]\d{0,2}(?:\.\d{3})+(?:,\d+)?') THEN replace(replace(t, '.', ''), ',', '.')
         WHEN regexp_full_match(t, '[+-]?\d+,\d+') THEN replace(t, ',', '.')
         WHEN regexp_full_match(t, '[+-]?[1-9]\d{0,2}(?:(?:,\d{3}){2,}|(?:,\d{3})+\.\d+)') THEN replace(t, ',', '')
         WHEN regexp_full_match(t, '[+-]?\d+\.\d+') THEN t
    END;

CREATE OR REPLACE MACRO _vn_plain(t, s) AS coalesce(_vn_plain_number(t), _vn_plain_number(vn_text(s)));

-- Up to eighteen digits before the comma and ten behind it; NULL for a number that has more: nothing is rounded.
CREATE OR REPLACE MACRO _vn_exact(t) AS
    CASE WHEN regexp_full_match(t, '[+-]?\d+(?:\.\d{0,10}0*)?|-?\d(?:\.\d+)?e\+\d+') THEN TRY_CAST(t AS DECIMAL(28, 10)) END;

CREATE OR REPLACE MACRO vn_number(s) AS
    _vn_exact(CASE WHEN _vn_is_number(s) THEN CAST(s AS VARCHAR) ELSE _vn_plain(CAST(s AS VARCHAR), s) END);

-- A whole number; NULL when anything but zeros stands behind the decimal sign, beyond 64 bits, or for a DOUBLE whose
-- text has an exponent (from 1e16 on it stands for several integers).
CREATE OR REPLACE MACRO vn_int(s) AS
    TRY_CAST(regexp_extract(
        CASE WHEN _vn_is_number(s) THEN CAST(s AS VARCHAR) ELSE _vn_plain(CAST(s AS VARCHAR), s) END,
        '^([+-]?\d+)(?:\.0*)?$', 1) AS BIGINT);
