-- Wards over the reform of 2025-07-01. One code can mean an old and a new ward (see schemas/reference/README.md).

CREATE OR REPLACE TABLE _vn_wards AS
    SELECT code, list(new_code ORDER BY is_first DESC, new_code) AS candidates
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
    (SELECT any_value(w.candidates[1]) FROM _vn_wards AS w WHERE w.code = CAST(code_ AS VARCHAR));

-- Every new ward that the code can stand for, the one of vn_ward_current first; NULL for an unknown code.
CREATE OR REPLACE MACRO vn_ward_candidates(code_) AS
    (SELECT any_value(w.candidates) FROM _vn_wards AS w WHERE w.code = CAST(code_ AS VARCHAR));
