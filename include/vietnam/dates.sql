-- Dates as Vietnamese registries write them. A year is four digits from 1000; what cannot be is NULL, never an error.

CREATE OR REPLACE MACRO _vn_date(t) AS
    CASE WHEN regexp_full_match(t, '(?:0?[1-9]|[12]\d|3[01])/(?:0?[1-9]|1[0-2])/[1-9]\d{3}')
         THEN CAST(try_strptime(t, '%d/%m/%Y') AS DATE)
         WHEN regexp_full_match(t, '[1-9]\d{3}')
         THEN TRY_CAST(t || '-01-01' AS DATE)
         WHEN regexp_full_match(t, '[1-9]\d{3}-\d\d-\d\d(?:[ T](?:[01]?\d|2[0-3]):[0-5]\d(?::[0-5]\d(?:\.\d{1,9})?)?)?')
         THEN TRY_CAST(left(t, 10) AS DATE)
         WHEN regexp_full_match(t, '00?/00?/[1-9]\d{3}')
         THEN TRY_CAST(right(t, 4) || '-01-01' AS DATE)
         WHEN regexp_full_match(t, '00?/(?:0?[1-9]|1[0-2])/[1-9]\d{3}')
         THEN TRY_CAST(right(t, 4) || '-' || split_part(t, '/', 2) || '-01' AS DATE)
         WHEN regexp_full_match(t, '\d{1,2}/\d{1,2}/[1-9]\d{3} (?:[01]?\d|2[0-3]):[0-5]\d(?::[0-5]\d)?')
         THEN CAST(try_strptime(split_part(t, ' ', 1), '%d/%m/%Y') AS DATE)
    END;

-- dd/mm/yyyy, yyyy-mm-dd (a time of day behind either is dropped), yyyy, 00/00/yyyy, 00/mm/yyyy. A part that is not
-- known becomes the first; vn_date_precision tells how much was known.
CREATE OR REPLACE MACRO vn_date(s) AS coalesce(_vn_date(CAST(s AS VARCHAR)), _vn_date(vn_text(s)));

CREATE OR REPLACE MACRO vn_date_precision(s) AS
    CASE WHEN vn_date(s) IS NULL THEN NULL
         WHEN regexp_full_match(vn_text(s), '\d{4}|00?/00?/\d{4}') THEN 'year'
         WHEN regexp_full_match(vn_text(s), '00?/\d{1,2}/\d{4}') THEN 'month'
         ELSE 'day' END;

-- Local time of Vietnam, UTC+7 all year. Text with an offset (...Z, ...+00:00) is moved to it.
CREATE OR REPLACE MACRO _vn_timestamp(t) AS
    CASE WHEN regexp_full_match(t, '[1-9]\d{3}-\d\d-\d\d(?:[ T](?:[01]\d|2[0-3]):[0-5]\d(?::[0-5]\d(?:\.\d{1,6})?)?)?')
         THEN TRY_CAST(t AS TIMESTAMP)
         WHEN regexp_full_match(t, '\d{1,2}/\d{1,2}/[1-9]\d{3} (?:[01]?\d|2[0-3]):[0-5]\d:[0-5]\d')
         THEN try_strptime(t, '%d/%m/%Y %H:%M:%S')
         WHEN regexp_full_match(t, '\d{1,2}/\d{1,2}/[1-9]\d{3} (?:[01]?\d|2[0-3]):[0-5]\d')
         THEN try_strptime(t, '%d/%m/%Y %H:%M')
         WHEN regexp_full_match(t, '\d{1,2}/\d{1,2}/[1-9]\d{3}')
         THEN try_strptime(t, '%d/%m/%Y')
         WHEN regexp_full_match(t, '[1-9]\d{3}-\d\d-\d\d[ T](?:[01]\d|2[0-3]):[0-5]\d(?::[0-5]\d(?:\.\d{1,6})?)?'
                                || '(?:Z|[+-](?:0\d|1[0-4])(?::?[0-5]\d)?)') AND t < '9999-12-31'
         THEN TRY_CAST(regexp_replace(t, '(?:Z|[+-]\d\d(?::?\d\d)?)$', '') AS TIMESTAMP)
              + to_minutes(420 - _vn_offset(t))
    END;

-- Minutes east of Greenwich of a text ending in Z, +hh, +hhmm or +hh:mm.
CREATE OR REPLACE MACRO _vn_offset(t) AS
    CASE WHEN t LIKE '%Z' THEN 0
         ELSE (CASE WHEN regexp_matches(t, '-\d\d(?::?\d\d)?$') THEN -1 ELSE 1 END)
              * (60 * CAST(regexp_extract(t, '[+-](\d\d)(?::?(\d\d))?$', 1) AS INTEGER)
                 + CAST('0' || regexp_extract(t, '[+-](\d\d)(?::?(\d\d))?$', 2) AS INTEGER)) END;

CREATE OR REPLACE MACRO vn_timestamp(s) AS coalesce(_vn_timestamp(CAST(s AS VARCHAR)), _vn_timestamp(vn_text(s)));

-- yyyy-mm or mm/yyyy, also the first day of a month in full; the first day of that month.
CREATE OR REPLACE MACRO _vn_month(t) AS
    CASE WHEN regexp_full_match(t, '[1-9]\d{3}-(?:0[1-9]|1[0-2])')
         THEN TRY_CAST(t || '-01' AS DATE)
         WHEN regexp_full_match(t, '(?:0?[1-9]|1[0-2])/[1-9]\d{3}')
         THEN TRY_CAST(right(t, 4) || '-' || split_part(t, '/', 1) || '-01' AS DATE)
         WHEN regexp_full_match(t, '[1-9]\d{3}-(?:0[1-9]|1[0-2])-01(?: 00:00:00)?')
         THEN TRY_CAST(left(t, 10) AS DATE)
    END;

CREATE OR REPLACE MACRO vn_month(s) AS coalesce(_vn_month(CAST(s AS VARCHAR)), _vn_month(vn_text(s)));
