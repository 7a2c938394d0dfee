-- Wards over the reform of 2025-07-01. One code can mean an old and a new ward (see schemas/reference/README.md).
-- A macro's argument is put into its text: within a condition, a column `code` of the caller's row would be taken for
-- one of the list's, were those not named as no source names its own.

CREATE OR REPLACE TABLE _vn_wards AS
    SELECT code AS _vn_code, list(new_code ORDER BY is_first DESC, new_code) AS _vn_candidates
    FROM (
        SELECT old_code AS code, new_code,
               CASE WHEN old_code IN (SELECT code FROM ref_wards WHERE valid_until IS NULL) THEN new_code = old_code
                    ELSE is_default = 'true' END AS is_first
        FROM ref_ward_changes
        UNION
        SELECT code, code, TRUE FROM ref_wards WHERE valid_until IS NULL
    )
    GROUP BY code;

-- The code in force today: a current code stays as it is, an old one becomes its default successor, others are NULL.
CREATE OR REPLACE MACRO vn_ward_current(code_) AS
    (SELECT any_value(_vn_candidates[1]) FROM _vn_wards WHERE _vn_code = CAST(code_ AS VARCHAR));

-- Every new ward that the code can stand for, the one of vn_ward_current first; NULL for an unknown code.
CREATE OR REPLACE MACRO vn_ward_candidates(code_) AS
    (SELECT any_value(_vn_candidates) FROM _vn_wards WHERE _vn_code = CAST(code_ AS VARCHAR));
