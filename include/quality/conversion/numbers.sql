-- Numbers written as text, without loss. Only text that fits the grammar of a number is given to these.

-- All digits, without sign, mark and exponent.
CREATE OR REPLACE MACRO _number_digits(t) AS replace(regexp_extract(t, '^\s*[+-]?([0-9.]+)', 1), '.', '');

-- How many places stand behind the decimal mark when the number is written without exponent or zeros at its end;
-- negative where it ends in zeros before the mark.
CREATE OR REPLACE MACRO _number_scale(t) AS
    CASE WHEN ltrim(_number_digits(t), '0') = '' THEN 0
         ELSE length(regexp_extract(t, '\.([0-9]*)', 1))
              - (length(_number_digits(t)) - length(rtrim(_number_digits(t), '0')))
              - coalesce(TRY_CAST(regexp_extract(t, '[eE]([+-]?[0-9]+)', 1) AS INTEGER), 0) END;

-- One text for each number: its sign, its digits without zeros at either end, and its scale.
CREATE OR REPLACE MACRO _number_canonical(t) AS
    CASE WHEN ltrim(_number_digits(t), '0') = '' THEN '0'
         ELSE CASE WHEN regexp_matches(t, '^\s*-') THEN '-' ELSE '' END
              || trim(_number_digits(t), '0') || 'e' || (-_number_scale(t)) END;

-- The same number without exponent: the engine's own cast of an exponent gives up near a DECIMAL's last places.
CREATE OR REPLACE MACRO _number_plain_of(t, digits, scale) AS
    CASE WHEN regexp_matches(t, '^\s*-') THEN '-' ELSE '' END
    || CASE WHEN scale <= 0 THEN digits || repeat('0', -scale)
            WHEN length(digits) > scale THEN left(digits, length(digits) - scale) || '.' || right(digits, scale)
            ELSE '0.' || repeat('0', scale - length(digits)) || digits END;

CREATE OR REPLACE MACRO _number_plain(t) AS
    CASE WHEN _number_canonical(t) = '0' THEN '0'
         ELSE _number_plain_of(t, trim(_number_digits(t), '0'), _number_scale(t)) END;

-- A binary float of a number that it gives back as it was written, else NULL.
CREATE OR REPLACE MACRO _exact_double(t) AS
    CASE WHEN _number_canonical(t) = _number_canonical(CAST(TRY_CAST(t AS DOUBLE) AS VARCHAR)) THEN TRY_CAST(t AS DOUBLE)
    END;

CREATE OR REPLACE MACRO _exact_float(t) AS
    CASE WHEN _number_canonical(t) = _number_canonical(CAST(TRY_CAST(t AS FLOAT) AS VARCHAR)) THEN TRY_CAST(t AS FLOAT)
    END;
