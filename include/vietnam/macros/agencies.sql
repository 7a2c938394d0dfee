-- Electronic codes of agencies, in two forms that live side by side: level 1 last (QCVN 102:2016/BTTTT, 000.17.22.H56)
-- and level 1 first (Decision 20/2020/QĐ-TTg, H56.22.17).

-- The code with level 1 first: groups in reverse, those at the end that are zero left out (000.00.00.H56 is H56). Any
-- other text stays as it is. An agency may have been renumbered with its new code: the list `agencies` says so.
CREATE OR REPLACE MACRO _vn_agency(t) AS
    CASE WHEN regexp_full_match(t, '\d{3}\.\d{2}\.\d{2}\.[A-Y]\d{2}')
         THEN regexp_replace(right(t, 3) || '.' || substr(t, 8, 2) || '.' || substr(t, 5, 2) || '.' || left(t, 3),
                             '(?:\.0+)+$', '')
         ELSE t END;

CREATE OR REPLACE MACRO vn_agency(s) AS _vn_agency(vn_text(s));
