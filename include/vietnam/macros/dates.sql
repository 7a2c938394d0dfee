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

-- A moment as ISO 8601 text, with its offset if it has one; a text without one is local time, of the zone that the
-- contract states for the column. The conform step makes the timestamp, by the same law as of any other text.
CREATE OR REPLACE MACRO _vn_timestamp(t) AS
    CASE WHEN regexp_full_match(t, '[1-9]\d{3}-\d\d-\d\d(?:[ T](?:[01]\d|2[0-3]):[0-5]\d(?::[0-5]\d(?:\.\d{1,6})?)?'
                                   || '(?:Z|[+-](?:0\d|1[0-4])(?::?[0-5]\d)?)?)?')
         THEN CASE WHEN TRY_CAST(left(t, 10) AS DATE) IS NOT NULL THEN t END
         WHEN regexp_full_match(t, '\d{1,2}/\d{1,2}/[1-9]\d{3} (?:[01]?\d|2[0-3]):[0-5]\d:[0-5]\d')
         THEN CAST(try_strptime(t, '%d/%m/%Y %H:%M:%S') AS VARCHAR)
         WHEN regexp_full_match(t, '\d{1,2}/\d{1,2}/[1-9]\d{3} (?:[01]?\d|2[0-3]):[0-5]\d')
         THEN CAST(try_strptime(t, '%d/%m/%Y %H:%M') AS VARCHAR)
         WHEN regexp_full_match(t, '\d{1,2}/\d{1,2}/[1-9]\d{3}')
         THEN CAST(try_strptime(t, '%d/%m/%Y') AS VARCHAR)
    END;

CREATE OR REPLACE MACRO vn_timestamp(s) AS coalesce(_vn_timestamp(CAST(s AS VARCHAR)), _vn_timestamp(vn_text(s)));

-- The day in Vietnam of a moment: that of the text, or seven hours ahead of UTC where the text has an offset.
CREATE OR REPLACE MACRO _vn_minutes(clock) AS
    60 * TRY_CAST(left(clock, 2) AS INTEGER) + TRY_CAST(right(clock, 2) AS INTEGER);

CREATE OR REPLACE MACRO _vn_day_ahead(t, zone) AS
    (_vn_minutes(substr(t, 12, 2) || substr(t, 15, 2)) + 420
     + (CASE WHEN starts_with(zone, '+') THEN -1 ELSE 1 END)
       * _vn_minutes(rpad(regexp_replace(zone, '\D', '', 'g'), 4, '0')) + 2880) // 1440 - 2;

CREATE OR REPLACE MACRO _vn_day(t) AS
    CASE WHEN regexp_matches(t, ':.*[Z+-]')
         THEN TRY_CAST(left(t, 10) AS DATE) + CAST(_vn_day_ahead(t, regexp_extract(substr(t, 12), '[+-].*$')) AS INTEGER)
         ELSE TRY_CAST(left(t, 10) AS DATE) END;

CREATE OR REPLACE MACRO vn_day(s) AS _vn_day(vn_timestamp(s));

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
