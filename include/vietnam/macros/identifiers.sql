-- Identifiers. They are text: nothing here pads, cuts or guesses a digit.

-- Digits without the spaces, dots and dashes around and between them. Any other text stays as it is, so that a rule
-- can reject it; so does text ending in `.0`, which a spreadsheet made of a number (the zero is no digit of the id).
CREATE OR REPLACE MACRO _vn_digits(t) AS
    CASE WHEN regexp_full_match(t, '[ .‐‑‒–—-]*\d[\d .‐‑‒–—-]*') AND NOT ends_with(t, '.0')
         THEN regexp_replace(t, '[ .‐‑‒–—-]+', '', 'g')
         ELSE t END;

CREATE OR REPLACE MACRO vn_digits(s) AS
    CASE WHEN regexp_full_match(CAST(s AS VARCHAR), '\d+') THEN CAST(s AS VARCHAR) ELSE _vn_digits(vn_text(s)) END;

-- Sex as 1 male, 2 female, 3 unknown, or in words; another code is NULL.
CREATE OR REPLACE MACRO vn_sex(code) AS
    CASE WHEN CAST(code AS VARCHAR) = '1' THEN 'male'
         WHEN CAST(code AS VARCHAR) = '2' THEN 'female'
         WHEN CAST(code AS VARCHAR) = '3' THEN 'unknown'
         ELSE MAP {'1': 'male', 'nam': 'male', 'male': 'male', '2': 'female', 'nu': 'female', 'female': 'female',
                   '3': 'unknown', 'khac': 'unknown', 'khong xac dinh': 'unknown', 'chua xac dinh': 'unknown',
                   'unknown': 'unknown'}[vn_fold(code)] END;

-- Personal id (Decree 137/2015/NĐ-CP): 3 digits of place, 1 of century and sex, 2 of birth year, 6 random.
CREATE OR REPLACE MACRO _vn_cccd_birth_year(d) AS
    CASE WHEN regexp_full_match(d, '\d{12}')
         THEN CAST(1900 + TRY_CAST(substr(d, 4, 1) AS INTEGER) // 2 * 100
                   + TRY_CAST(substr(d, 5, 2) AS INTEGER) AS INTEGER)
    END;

CREATE OR REPLACE MACRO vn_cccd_birth_year(id) AS
    coalesce(_vn_cccd_birth_year(CAST(id AS VARCHAR)), _vn_cccd_birth_year(vn_digits(id)));

CREATE OR REPLACE MACRO _vn_cccd_sex(d) AS
    CASE WHEN regexp_full_match(d, '\d{3}[02468]\d{8}') THEN 'male'
         WHEN regexp_full_match(d, '\d{3}[13579]\d{8}') THEN 'female' END;

CREATE OR REPLACE MACRO vn_cccd_sex(id) AS coalesce(_vn_cccd_sex(CAST(id AS VARCHAR)), _vn_cccd_sex(vn_digits(id)));

-- Check digit of a tax code (Circular 105/2020/TT-BTC, annex 1): the weighted sum of nine digits, modulo 11, and
-- the tenth digit add up to 10. A code whose tenth digit would be 10 is never issued.
CREATE OR REPLACE MACRO _vn_mst_has_check_digit(n) AS
    (31 * (n // 1000000000) + 29 * (n // 100000000 % 10) + 23 * (n // 10000000 % 10) + 19 * (n // 1000000 % 10)
     + 17 * (n // 100000 % 10) + 13 * (n // 10000 % 10) + 7 * (n // 1000 % 10) + 5 * (n // 100 % 10)
     + 3 * (n // 10 % 10)) % 11 = 10 - n % 10;

-- 10 digits with their check digit; a branch: the same, a dash (or none) and 001 to 999; or the 12 digits of a personal
-- id, the tax code of individuals since 2025-07-01 (Law 38/2019/QH14 art. 35). NULL for nothing.
CREATE OR REPLACE MACRO _vn_mst_is_valid(t) AS
    CASE WHEN regexp_full_match(t, '\d{10}') THEN _vn_mst_has_check_digit(TRY_CAST(t AS BIGINT))
         WHEN regexp_full_match(t, '\d{12}') THEN TRUE
         WHEN regexp_full_match(t, '\d{10}-?(?:00[1-9]|0[1-9]\d|[1-9]\d\d)')
         THEN _vn_mst_has_check_digit(TRY_CAST(left(t, 10) AS BIGINT)) END;

CREATE OR REPLACE MACRO vn_mst_is_valid(s) AS
    coalesce(_vn_mst_is_valid(CAST(s AS VARCHAR)), _vn_mst_is_valid(vn_text(s)),
             CASE WHEN vn_text(s) IS NOT NULL THEN FALSE END);

-- A tax code written one way: spaces and dots out, the dash before a branch in. Other text stays as it is; so does a
-- branch whose leading zero was lost (289807736-001), which without its dash would pass for a personal id.
CREATE OR REPLACE MACRO _vn_mst(d, t) AS
    CASE WHEN regexp_full_match(t, '\d{9}-\d{3}') THEN t
         WHEN regexp_full_match(d, '\d{13}') THEN left(d, 10) || '-' || right(d, 3)
         WHEN regexp_full_match(d, '\d+') THEN d
         ELSE t END;

CREATE OR REPLACE MACRO vn_mst(s) AS _vn_mst(vn_digits(s), vn_text(s));
