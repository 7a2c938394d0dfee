-- Text and names. `_vn_` macros are steps of the others: contracts use the `vn_` ones only.
--
-- Two functions of DuckDB, nfc_normalize and strip_accents, stop at a NUL character and lose what follows. Here
-- text with a NUL is treated piece by piece, so that nothing is lost and the rule on control characters sees it.

CREATE OR REPLACE MACRO _vn_nfc(t) AS
    CASE WHEN contains(t, chr(0))
         THEN array_to_string(list_transform(string_split(t, chr(0)), lambda part: nfc_normalize(part)), chr(0))
         ELSE nfc_normalize(t) END;

CREATE OR REPLACE MACRO _vn_strip_accents(t) AS
    CASE WHEN contains(t, chr(0))
         THEN array_to_string(list_transform(string_split(t, chr(0)), lambda part: strip_accents(part)), chr(0))
         ELSE strip_accents(t) END;

-- Clean text: letters and signs that NFC never changes, with single spaces between. Most text is clean, so one pass
-- decides and only the rest takes a slow path.
CREATE OR REPLACE MACRO _vn_is_unclean(t) AS
    regexp_matches(t, '[^ -~\x{A1}-\x{2FF}\x{1E00}-\x{1EFF}\x{2010}-\x{2027}]|^ | $|  ');

-- Unicode NFC, any run of white space (also no-break and zero-width space) to one space, trimmed, blank to NULL.
CREATE OR REPLACE MACRO vn_text(s) AS
    CASE WHEN _vn_is_unclean(CAST(s AS VARCHAR))
         THEN nullif(trim(regexp_replace(_vn_nfc(CAST(s AS VARCHAR)),
                                         '[\s\x0B\p{Z}\x{85}\x{200B}\x{FEFF}]+', ' ', 'g')), '')
         ELSE nullif(CAST(s AS VARCHAR), '') END;

-- The same, and Đ where an old font or code page left a look-alike: Ð (U+00D0), ð (U+00F0), Ɖ (U+0189).
CREATE OR REPLACE MACRO _vn_repair_d(t) AS
    CASE WHEN regexp_matches(t, '[ÐðƉ]')
         THEN replace(replace(replace(t, 'Ð', 'Đ'), 'Ɖ', 'Đ'), 'ð', 'đ')
         ELSE t END;

CREATE OR REPLACE MACRO vn_name(s) AS _vn_repair_d(vn_text(s));

-- Key to compare by: no diacritics, lower case, đ as d. Where the tone stood no longer shows.
CREATE OR REPLACE MACRO _vn_lower(t) AS replace(replace(replace(lower(t), 'đ', 'd'), 'ð', 'd'), 'ɖ', 'd');

CREATE OR REPLACE MACRO vn_fold(s) AS
    CASE WHEN _vn_is_unclean(CAST(s AS VARCHAR)) THEN _vn_lower(vn_text(_vn_strip_accents(CAST(s AS VARCHAR))))
         ELSE nullif(_vn_lower(strip_accents(CAST(s AS VARCHAR))), '') END;

-- hòa -> hoà, thúy -> thuý: the tone moves to the second vowel of an open oa, oe, uy, where one spelling school
-- puts it anyway. Not after q (quý has no other spelling) and not before a final letter (toán neither).
-- The combining tone is added behind the vowel and NFC makes one letter of the two.
CREATE OR REPLACE MACRO _vn_move_tone(t, marked_o, plain_o, marked_u, plain_u, tone) AS
    regexp_replace(
        regexp_replace(t, '(^|[^qQ])' || marked_o || '([aAeE])\b', '\1' || plain_o || '\2' || chr(tone), 'g'),
        '(^|[^qQ])' || marked_u || '([yY])\b', '\1' || plain_u || '\2' || chr(tone), 'g');

CREATE OR REPLACE MACRO _vn_move_tones(t, o, u, grave_o, grave_u, acute_o, acute_u, hook_o, hook_u, tilde_o, tilde_u,
                                       dot_o, dot_u) AS
    _vn_move_tone(_vn_move_tone(_vn_move_tone(_vn_move_tone(_vn_move_tone(
        t, grave_o, o, grave_u, u, 768), acute_o, o, acute_u, u, 769), hook_o, o, hook_u, u, 777),
        tilde_o, o, tilde_u, u, 771), dot_o, o, dot_u, u, 803);

CREATE OR REPLACE MACRO _vn_fold_tones(t) AS
    CASE WHEN regexp_matches(t, '[òóỏõọÒÓỎÕỌ][aAeE]\b|[ùúủũụÙÚỦŨỤ][yY]\b')
         THEN _vn_nfc(_vn_move_tones(_vn_move_tones(t, 'o', 'u', 'ò', 'ù', 'ó', 'ú', 'ỏ', 'ủ', 'õ', 'ũ', 'ọ', 'ụ'),
                                     'O', 'U', 'Ò', 'Ù', 'Ó', 'Ú', 'Ỏ', 'Ủ', 'Õ', 'Ũ', 'Ọ', 'Ụ'))
         ELSE t END;

CREATE OR REPLACE MACRO vn_tone_fold(s) AS _vn_fold_tones(vn_text(s));

-- Text typed in TCVN3 (ABC) or VNI fonts and read as Latin-1. Such text has no letter above U+00FF, which already
-- clears plain ASCII and nearly all proper Vietnamese, composed or not. Of the rest, what betrays it:
--   TCVN3: a sign inside or at the end of a word (V¨n, Hµ), đ or a hat vowel written as a sign at its start (®¹t,
--          §Æng), a capital after a small letter (NguyÔn, ThÞ), a foreign letter where a syllable ends (Ngäc, Hïng);
--   VNI:   a vowel with its mark as a second letter (Vaên, Traàn, Phöông), Ñ at the start of a word (Ñinh).
-- Latin-1 names of foreigners (François, Müller, Zoë, Raúl) are left in peace; a short word that is right in
-- both readings (Phó) cannot be told.
CREATE OR REPLACE MACRO _vn_looks_tcvn3(t, word_start, word_end) AS
    regexp_matches(t,
        '[A-Za-zÀ-ÿ][¡-¬®¯µ-¸¹»-¾×÷]{1,2}[a-zß-ÿ]'
        || '|[A-Za-z](?:[¨ª«¬µ¶·¸¹»¾½¼]|\xAD¬?(?:ng|u|i|a)?)' || word_end || '|[A-Za-z]\xAD[êëìíî]'
        || '|' || word_start || '[®§¢¦¸][a-zÀ-ÿ¨-¾]'
        || '|[a-z][À-ÏÑ-Þ](?:[a-z]|' || word_end || ')|[A-Z](?:[ÄÅÆÇËÎÏÑÖØÜÞ]|Ý[cnpt])[a-z]'
        || '|[A-Za-z](?:[ïäæ](?:c|ch|g|h|m|n|ng|nh|p|t|i|u|o|y)?|å(?:ng|n|i|m)?|î[ipmn]|ü|ß(?:a|n|ng|i))' || word_end);

CREATE OR REPLACE MACRO _vn_looks_vni(t, word_start, word_end) AS
    regexp_matches(t,
        '(?i)a(?:[ùøûõâáàåãäêéèü]|ï(?:[cimnpuyo]|' || word_end || ')|[ëú](?:[cmnpt]|' || word_end || '))'
        || '|e(?:[ùøõïâáàåãä]|û(?:o|' || word_end || '))'
        || '|o(?:[ùøõâåä]|ï(?:[cnmptia]|' || word_end || ')|û(?:ng|n|m|i|a|' || word_end || '))|uo[áàãâ]'
        || '|ô[ùøûõï]|ö[ùøûõïô]|[uy][ùøûõ]|uï|uú|uè[cnt]|[òó](?:nh|ch)'
        || '|' || word_start || '[a-z]{1,3}ö(?:ng|u|i|a)?' || word_end
        || '|' || word_start || 'ñ[a-zà-ÿ]');

CREATE OR REPLACE MACRO _vn_looks_legacy(t) AS
    strlen(t) > length(t)
    AND NOT regexp_matches(t, '[^\x00-\xFF]')
    AND (_vn_looks_tcvn3(t, '(?:^|[ ,.;:(/-])', '(?:[ ,.;:)/-]|$)')
         OR _vn_looks_vni(t, '(?:^|[ ,.;:(/-])', '(?:[ ,.;:)/-]|$)'));

CREATE OR REPLACE MACRO vn_is_legacy_encoded(s) AS coalesce(_vn_looks_legacy(CAST(s AS VARCHAR)), FALSE);

-- The same for a person's name, which holds no signs and few foreign letters, so that more can be told for certain:
-- any sign of TCVN3, a capital behind a small letter, and the letter pairs of VNI wherever they stand.
CREATE OR REPLACE MACRO vn_name_is_legacy_encoded(s) AS
    coalesce(
        NOT regexp_matches(CAST(s AS VARCHAR), '[^\x00-\xFFĐđ]')
        AND (regexp_matches(CAST(s AS VARCHAR), '[¡-¬®-¿×÷]|[a-z][ÆÇÈÉÊËÌÎÏÑ-ÖØÜÝÞ]')
             OR regexp_matches(CAST(s AS VARCHAR),
                               '[b-df-hj-np-tv-zB-DF-HJ-NP-TV-Z](ï(ng|n|m|i)?|ä(c|ng))( |$)')
             OR regexp_matches(CAST(s AS VARCHAR),
                               '(?i)a([ùøûõâáàåãäêéèü]|ï(nh|ch|m|c|t)( |$))|e[ùøõâáàåãä]|o[ùøõâåä]|ô[ùøûõï]|ö[ùøûõïô]')
             OR regexp_matches(CAST(s AS VARCHAR), '(?i)[uy][ùøûõ]|uï|(^| )ñ[aeiouyôöæ]')),
        FALSE);
